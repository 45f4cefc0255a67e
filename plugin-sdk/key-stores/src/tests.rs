use std::path::{Path, PathBuf};
use std::process::Command;

use super::testing::certificate;
use super::*;

/// Made by keytool with the same certificate and the password `changeit`.
const TRUST_STORES: &[&str] = &["trust.jks", "trust.p12"];

fn data(name: &str) -> String {
    format!("{}/src/testdata/{name}", env!("CARGO_MANIFEST_DIR"))
}

/// Looks keys up in a list.
fn from<'a>(settings: &'a [(&'a str, &'a str)]) -> impl Fn(&str) -> Option<&'a str> {
    move |key| settings.iter().find(|(name, _)| *name == key).map(|(_, value)| *value)
}

fn trust_of(path: &str, password: Option<&str>) -> Result<Option<Vec<X509>>, Problem> {
    let mut settings = vec![(TRUSTSTORE, path)];
    settings.extend(password.map(|password| (TRUSTSTORE_PASSWORD, password)));
    trusted(from(&settings))
}

#[test]
fn formats_are_told_by_content() {
    assert_eq!(StoreFormat::of(&[0xFE, 0xED, 0xFE, 0xED]), StoreFormat::Jks);
    assert_eq!(StoreFormat::of(&[0x30, 0x82, 1, 2]), StoreFormat::Pkcs12);
    assert_eq!(StoreFormat::of(b"----"), StoreFormat::Pem);
    assert_eq!(StoreFormat::of(&[]), StoreFormat::Unknown);
}

#[test]
fn trusted_certificates_are_those_that_keytool_put_in() {
    let expected = std::fs::read_to_string(data("trust.pem")).expect("there");
    let pem = |found: Result<Option<Vec<X509>>, Problem>| to_pem(&found.expect("opens").expect("set")).expect("PEM");
    for store in TRUST_STORES {
        assert_eq!(pem(trust_of(&data(store), Some("changeit"))), expected, "{store}");
    }
    // Java opens a JKS file without a password too, and then does not check it.
    assert_eq!(pem(trust_of(&data("trust.jks"), None)), expected);
    let file = data("trust.pem");
    assert_eq!(pem(trusted(from(&[(TRUSTSTORE, &file), ("ssl.truststore.type", "PEM")]))), expected);
    let line = expected.replace('\n', " ");
    assert_eq!(pem(trusted(from(&[(TRUSTSTORE_CERTIFICATES, &line)]))), expected);
    assert!(trusted(from(&[])).expect("nothing is wrong").is_none());
}

#[test]
fn wrong_trust_stores_are_named_by_their_key() {
    for store in TRUST_STORES {
        let problem = trust_of(&data(store), Some("wrong")).expect_err("refused");
        assert!(problem.key == TRUSTSTORE && problem.reason.contains(TRUSTSTORE_PASSWORD), "{problem:?}");
    }
    let problem = trust_of(&data("trust.pem"), None).expect_err("refused");
    assert_eq!(problem.reason, "is a PEM file; set ssl.truststore.type=PEM");
    let problem = trust_of("/nowhere", None).expect_err("refused");
    assert!(problem.reason.starts_with("cannot be read: "), "{problem:?}");
}

#[test]
fn every_cut_of_a_store_is_refused() {
    for store in TRUST_STORES {
        let whole = std::fs::read(data(store)).expect("there");
        let dir = tempfile::tempdir().expect("a directory");
        let cut = dir.path().join("cut");
        for len in (0..whole.len()).step_by(7).chain([whole.len() - 1]) {
            std::fs::write(&cut, &whole[..len]).expect("writable");
            let path = cut.to_str().expect("text");
            assert!(trust_of(path, Some("changeit")).is_err(), "{store} cut to {len}");
            // Without a password nothing checks the digest; that nothing panics is what counts.
            let _ = trust_of(path, None);
        }
    }
}

#[test]
fn content_says_what_a_store_is() {
    let (key, leaf) = certificate("leaf", None);
    let dir = tempfile::tempdir().expect("a directory");
    let file = |name: &str, content: &[u8]| {
        let path = dir.path().join(name);
        std::fs::write(&path, content).expect("writable");
        path.to_str().expect("text").to_owned()
    };
    let certificates = std::slice::from_ref(&leaf);
    let jks = file("trust.pem", &testing::jks(certificates, "secret"));
    let pem = to_pem(certificates).expect("PEM");
    let pem = file("own.p12", &[key.private_key_to_pem_pkcs8().expect("PEM"), pem.into()].concat());
    let settings =
        [(TRUSTSTORE, &*jks), (TRUSTSTORE_PASSWORD, "secret"), ("ssl.truststore.type", "PEM"), (KEYSTORE, &pem)];
    let get = by_content(from(&settings));
    assert_eq!(trusted(&get).expect("opens").expect("set"), [leaf]);
    assert_eq!(own(&get).expect("opens").expect("set").chain.len(), 1);
}

#[test]
fn own_certificates_are_put_in_order() {
    let (root_key, root) = certificate("root", None);
    let (middle_key, middle) = certificate("middle", Some((&root, &root_key)));
    let (key, leaf) = certificate("leaf", Some((&middle, &middle_key)));
    let (_, stranger) = certificate("stranger", None);
    let found = identity(key.clone(), vec![root, stranger.clone(), leaf, middle], KEYSTORE).expect("complete");
    let names: Vec<String> = found.chain.iter().map(|one| format!("{:?}", one.subject_name())).collect();
    assert_eq!(names, [r#"[commonName = "leaf"]"#, r#"[commonName = "middle"]"#, r#"[commonName = "root"]"#]);
    let problem = identity(key, vec![stranger], KEYSTORE).err().expect("refused");
    assert_eq!(problem.reason, "holds no certificate that belongs to its key");
}

#[test]
fn keys_come_from_text_and_from_files() {
    let (key, leaf) = certificate("leaf", None);
    let plain = String::from_utf8(key.private_key_to_pem_pkcs8().expect("PEM")).expect("text");
    let cipher = openssl::symm::Cipher::aes_256_cbc();
    let locked = key.private_key_to_pem_pkcs8_passphrase(cipher, b"keypass").expect("PEM");
    let locked = String::from_utf8(locked).expect("text");
    let chain = to_pem(std::slice::from_ref(&leaf)).expect("PEM");
    let right = |found: Result<Option<Identity>, Problem>| found.expect("opens").expect("set").chain.len() == 1;
    assert!(right(own(from(&[(KEYSTORE_KEY, &plain), (KEYSTORE_CHAIN, &chain)]))));
    assert!(right(own(from(&[(KEYSTORE_KEY, &locked), (KEYSTORE_CHAIN, &chain), (KEY_PASSWORD, "keypass")]))));
    let dir = tempfile::tempdir().expect("a directory");
    let file = dir.path().join("both.pem");
    std::fs::write(&file, format!("{chain}{locked}")).expect("writable");
    let path = file.to_str().expect("text");
    let with = |password| own(from(&[(KEYSTORE, path), ("ssl.keystore.type", "pem"), (KEY_PASSWORD, password)]));
    assert!(right(with("keypass")));
    let problem = with("wrong").err().expect("refused");
    assert_eq!(problem.reason, "has a key that cannot be opened; is ssl.key.password the right one?");
    let problem = own(from(&[(KEYSTORE, path), ("ssl.keystore.type", "PEM")])).err().expect("refused");
    assert_eq!(problem.reason, "has an encrypted key; set ssl.key.password");
    let problem = own(from(&[(KEYSTORE_KEY, &plain)])).err().expect("refused");
    assert_eq!(problem, Problem::new(KEYSTORE_CHAIN, "is needed together with ssl.keystore.key"));
    assert!(own(from(&[])).expect("nothing is wrong").is_none());
}

/// A key store that keytool writes, or none where there is no Java.
fn by_keytool(dir: &Path, kind: &str, key_password: &str) -> Option<PathBuf> {
    let path = dir.join(kind);
    let mut command = Command::new("keytool");
    command.args(["-genkeypair", "-alias", "a", "-keyalg", "EC", "-groupname", "secp256r1", "-dname", "CN=localhost"]);
    command.args(["-storetype", kind, "-storepass", "changeit", "-keypass", key_password, "-keystore"]).arg(&path);
    match command.output() {
        Ok(output) => assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout)),
        Err(_) => {
            eprintln!("skipped: keytool, which comes with Java, is not installed");
            return None;
        }
    }
    Some(path)
}

#[test]
fn keys_come_from_the_stores_of_keytool() {
    let dir = tempfile::tempdir().expect("a directory");
    for (kind, key_password) in [("jks", "keypass"), ("pkcs12", "changeit")] {
        let Some(path) = by_keytool(dir.path(), kind, key_password) else { return };
        let path = path.to_str().expect("text");
        let open =
            |store: &str, key: &str| own(from(&[(KEYSTORE, path), (KEYSTORE_PASSWORD, store), (KEY_PASSWORD, key)]));
        let found = open("changeit", key_password).expect("opens").expect("set");
        assert_eq!(format!("{:?}", found.chain[0].subject_name()), r#"[commonName = "localhost"]"#, "{kind}");
        let problem = open("wrong", key_password).err().expect("refused");
        assert!(problem.reason.contains(KEYSTORE_PASSWORD), "{kind}: {problem:?}");
        if kind == "jks" {
            let problem = open("changeit", "wrong").err().expect("refused");
            assert!(problem.reason.contains(KEY_PASSWORD), "{problem:?}");
        }
    }
}
