//! The bytes of a Java `HashMap<byte[], byte[]>`, as Java's object serialization writes it: the form of the standalone
//! offset file.
//!
//! Only such a map is understood. Any other class in the stream is refused by its name; nothing is ever made from what
//! the stream says but byte strings.
//!
//! Reference: Java Object Serialization Specification, chapter 6, "Object Serialization Stream Protocol".

use std::fmt;

/// One entry of the map. Java allows a null value; a null key cannot stand for anything and is refused.
pub(super) type Entry = (Vec<u8>, Option<Vec<u8>>);

const MAGIC: [u8; 4] = [0xAC, 0xED, 0x00, 0x05];

const TC_NULL: u8 = 0x70;
const TC_REFERENCE: u8 = 0x71;
const TC_CLASSDESC: u8 = 0x72;
const TC_OBJECT: u8 = 0x73;
const TC_ARRAY: u8 = 0x75;
const TC_BLOCKDATA: u8 = 0x77;
const TC_ENDBLOCKDATA: u8 = 0x78;
const TC_BLOCKDATALONG: u8 = 0x7A;

/// The first handle; each class description, object and array takes the next one.
const BASE_HANDLE: u32 = 0x007E_0000;

const SC_WRITE_METHOD: u8 = 0x01;
const SC_SERIALIZABLE: u8 = 0x02;

const HASH_MAP: &str = "java.util.HashMap";
const HASH_MAP_UID: u64 = 0x0507_DAC1_C316_60D1;
const BYTES: &str = "[B";
const BYTES_UID: u64 = 0xACF3_17F8_0608_54E0;

/// Why bytes are not such a map.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Malformed {
    /// How many bytes were understood.
    pub(super) at: usize,
    /// What was found, or expected and not found.
    pub(super) what: String,
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (at byte {})", self.what, self.at)
    }
}

/// Reads a whole stream. Entries come in the order of the stream.
pub(super) fn read(bytes: &[u8]) -> Result<Vec<Entry>, Malformed> {
    let mut reader = Reader { bytes, at: 0, handles: Vec::new() };
    let entries = reader.stream()?;
    match bytes.len() - reader.at {
        0 => Ok(entries),
        rest => reader.fail(format!("{rest} more bytes after the end of the map")),
    }
}

/// Writes a map, as Java writes one that was filled by `put`.
pub(super) fn write<'a>(entries: impl ExactSizeIterator<Item = (&'a [u8], Option<&'a [u8]>)>) -> Vec<u8> {
    let count = entries.len();
    let (capacity, threshold) = capacity_for(count);
    let mut out = Vec::with_capacity(96 + count * 128);
    out.extend(MAGIC);
    out.extend([TC_OBJECT, TC_CLASSDESC]);
    put_name(&mut out, HASH_MAP);
    out.extend(HASH_MAP_UID.to_be_bytes());
    out.extend([SC_SERIALIZABLE | SC_WRITE_METHOD, 0, 2, b'F']);
    put_name(&mut out, "loadFactor");
    out.push(b'I');
    put_name(&mut out, "threshold");
    out.extend([TC_ENDBLOCKDATA, TC_NULL]);
    out.extend(0.75_f32.to_be_bytes());
    out.extend(threshold.to_be_bytes());
    out.extend([TC_BLOCKDATA, 8]);
    out.extend(capacity.to_be_bytes());
    put_length(&mut out, count);
    let mut first = true;
    for (key, value) in entries {
        put_array(&mut out, key, &mut first);
        match value {
            Some(value) => put_array(&mut out, value, &mut first),
            None => out.push(TC_NULL),
        }
    }
    out.push(TC_ENDBLOCKDATA);
    out
}

/// Capacity and threshold of a map that grew by doubling: 16 places at first, never more than three quarters full. An
/// empty map has no table yet and so no threshold.
fn capacity_for(count: usize) -> (i32, i32) {
    if count == 0 {
        return (16, 0);
    }
    let mut capacity = 16_usize;
    while count > capacity / 4 * 3 {
        capacity *= 2;
    }
    let java_int = |n: usize| i32::try_from(n).expect("a map in memory has fewer than 2^30 entries");
    (java_int(capacity), java_int(capacity / 4 * 3))
}

fn put_name(out: &mut Vec<u8>, name: &str) {
    let length = u16::try_from(name.len()).expect("the names written here are short");
    out.extend(length.to_be_bytes());
    out.extend(name.bytes());
}

fn put_length(out: &mut Vec<u8>, length: usize) {
    let length = i32::try_from(length).expect("keys, values and maps of offsets are far below 2^31");
    out.extend(length.to_be_bytes());
}

/// The class of arrays is described by the first one; later ones point back to it.
fn put_array(out: &mut Vec<u8>, bytes: &[u8], first: &mut bool) {
    out.push(TC_ARRAY);
    if std::mem::take(first) {
        out.push(TC_CLASSDESC);
        put_name(out, BYTES);
        out.extend(BYTES_UID.to_be_bytes());
        out.extend([SC_SERIALIZABLE, 0, 0, TC_ENDBLOCKDATA, TC_NULL]);
    } else {
        out.push(TC_REFERENCE);
        // The map's class and the map itself took the first two handles.
        out.extend((BASE_HANDLE + 2).to_be_bytes());
    }
    put_length(out, bytes.len());
    out.extend(bytes);
}

/// Something that a later part of the stream may point back to.
#[derive(Clone)]
enum Handle {
    Class(Class),
    Map,
    /// Where the array's bytes are in the stream.
    Array(std::ops::Range<usize>),
    /// A class whose description is still being read.
    Unfinished,
}

#[derive(Clone)]
struct Class {
    name: String,
    uid: u64,
    flags: u8,
    /// Type codes of the fields, in the order of the stream.
    fields: Vec<u8>,
}

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
    handles: Vec<Handle>,
}

impl<'a> Reader<'a> {
    fn fail<T>(&self, what: impl Into<String>) -> Result<T, Malformed> {
        Err(Malformed { at: self.at, what: what.into() })
    }

    fn take(&mut self, count: usize) -> Result<&'a [u8], Malformed> {
        let rest = &self.bytes[self.at..];
        if rest.len() < count {
            return self.fail(format!("the file ends early: {count} more bytes are needed, {} are there", rest.len()));
        }
        self.at += count;
        Ok(&rest[..count])
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Malformed> {
        let bytes = self.take(N)?;
        Ok(bytes.try_into().expect("take gives as many bytes as asked for"))
    }

    fn byte(&mut self) -> Result<u8, Malformed> {
        self.array::<1>().map(|[byte]| byte)
    }

    fn length(&mut self) -> Result<usize, Malformed> {
        let length = i32::from_be_bytes(self.array()?);
        usize::try_from(length).or_else(|_| self.fail(format!("negative length {length}")))
    }

    fn name(&mut self) -> Result<String, Malformed> {
        let length = u16::from_be_bytes(self.array()?);
        let name = self.take(length.into())?;
        Ok(String::from_utf8_lossy(name).into_owned())
    }

    fn expect(&mut self, want: u8, what: &str) -> Result<(), Malformed> {
        match self.byte()? {
            found if found == want => Ok(()),
            found => {
                self.at -= 1;
                self.fail(format!("{what} expected, found 0x{found:02X}"))
            }
        }
    }

    fn stream(&mut self) -> Result<Vec<Entry>, Malformed> {
        if self.take(MAGIC.len()).ok() != Some(&MAGIC) {
            self.at = 0;
            return self.fail("not a Java object stream, which begins with AC ED 00 05");
        }
        self.expect(TC_OBJECT, "a map")?;
        let class = self.class()?;
        if (class.name.as_str(), class.uid) != (HASH_MAP, HASH_MAP_UID)
            || class.flags != SC_SERIALIZABLE | SC_WRITE_METHOD
        {
            return self.fail(format!("a {HASH_MAP} expected, found {}", class.name));
        }
        self.handles.push(Handle::Map);
        for field in &class.fields {
            self.take(match field {
                b'B' | b'Z' => 1,
                b'C' | b'S' => 2,
                b'F' | b'I' => 4,
                b'D' | b'J' => 8,
                _ => return self.fail(format!("a {HASH_MAP} with a field that holds an object")),
            })?;
        }
        let count = self.map_size()?;
        // The count is the stream's claim; memory is taken as entries really come.
        let mut entries = Vec::new();
        for _ in 0..count {
            let Some(key) = self.bytes_or_null()? else {
                return self.fail("an entry whose key is null");
            };
            entries.push((key, self.bytes_or_null()?));
        }
        self.expect(TC_ENDBLOCKDATA, "the end of the map")?;
        Ok(entries)
    }

    /// The block that goes before the entries: capacity, which is of no interest here, and size.
    fn map_size(&mut self) -> Result<usize, Malformed> {
        let length = match self.byte()? {
            TC_BLOCKDATA => self.byte()?.into(),
            TC_BLOCKDATALONG => self.length()?,
            found => {
                self.at -= 1;
                return self.fail(format!("the size of the map expected, found 0x{found:02X}"));
            }
        };
        if length != 8 {
            return self.fail(format!("the size of the map in 8 bytes expected, found {length}"));
        }
        self.take(4)?;
        self.length()
    }

    fn bytes_or_null(&mut self) -> Result<Option<Vec<u8>>, Malformed> {
        match self.byte()? {
            TC_NULL => Ok(None),
            TC_ARRAY => {
                let class = self.class()?;
                if (class.name.as_str(), class.uid) != (BYTES, BYTES_UID) {
                    return self.fail(format!("an array of bytes expected, found class {}", class.name));
                }
                let length = self.length()?;
                let begin = self.at;
                let bytes = self.take(length)?.to_vec();
                self.handles.push(Handle::Array(begin..self.at));
                Ok(Some(bytes))
            }
            TC_REFERENCE => match self.reference()? {
                Handle::Array(range) => Ok(Some(self.bytes[range].to_vec())),
                _ => self.fail("an array of bytes expected, found a reference to something else"),
            },
            found => {
                self.at -= 1;
                self.fail(format!("an array of bytes expected, found 0x{found:02X}"))
            }
        }
    }

    fn reference(&mut self) -> Result<Handle, Malformed> {
        let handle = u32::from_be_bytes(self.array()?);
        let index = handle.checked_sub(BASE_HANDLE).map(|index| index as usize);
        match index.and_then(|index| self.handles.get(index)) {
            Some(found) => Ok(found.clone()),
            None => self.fail(format!("a reference to {handle:08X}, which is not in the file")),
        }
    }

    fn class(&mut self) -> Result<Class, Malformed> {
        match self.byte()? {
            TC_CLASSDESC => self.new_class(),
            TC_REFERENCE => match self.reference()? {
                Handle::Class(class) => Ok(class),
                _ => self.fail("a class expected, found a reference to something else"),
            },
            found => {
                self.at -= 1;
                self.fail(format!("a class expected, found 0x{found:02X}"))
            }
        }
    }

    fn new_class(&mut self) -> Result<Class, Malformed> {
        let name = self.name()?;
        let uid = u64::from_be_bytes(self.array()?);
        let slot = self.handles.len();
        self.handles.push(Handle::Unfinished);
        let flags = self.byte()?;
        let count = u16::from_be_bytes(self.array()?);
        let mut fields = Vec::new();
        for _ in 0..count {
            let code = self.byte()?;
            self.name()?;
            if matches!(code, b'L' | b'[') {
                return self.fail(format!("class {name}, which is neither {HASH_MAP} nor an array of bytes"));
            }
            fields.push(code);
        }
        self.expect(TC_ENDBLOCKDATA, "the end of a class")?;
        self.expect(TC_NULL, "a class without a superclass")?;
        let class = Class { name, uid, flags, fields };
        self.handles[slot] = Handle::Class(class.clone());
        Ok(class)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const JAVA_17: &[u8] = include_bytes!("testdata/java-17.offsets");

    fn write_entries(entries: &[Entry]) -> Vec<u8> {
        write(entries.iter().map(|(key, value)| (key.as_slice(), value.as_deref())))
    }

    #[test]
    fn a_file_of_java_is_read_and_written_to_the_byte() {
        let entries = read(JAVA_17).unwrap();
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        let texts: Vec<_> = entries.iter().map(|(k, v)| (text(k), text(v.as_ref().unwrap()))).collect();
        let want = [
            (r#"["file-a",{"filename":"/data/a.txt"}]"#.to_owned(), r#"{"position":12}"#.to_owned()),
            (r#"["file-b",{"filename":"/data/b.txt"}]"#.to_owned(), r#"{"position":5}"#.to_owned()),
        ];
        assert_eq!(texts, want);
        assert_eq!(write_entries(&entries), JAVA_17);
    }

    #[test]
    fn maps_of_any_size_come_back() {
        for count in [0, 1, 12, 13, 24, 25, 1000] {
            let entries: Vec<Entry> = (0..count)
                .map(|n: u32| (n.to_be_bytes().to_vec(), (!n.is_multiple_of(3)).then(|| vec![0; n as usize])))
                .collect();
            assert_eq!(read(&write_entries(&entries)).unwrap(), entries);
        }
    }

    #[test]
    fn capacity_grows_as_in_java() {
        let cases =
            [(0, 16, 0), (1, 16, 12), (12, 16, 12), (13, 32, 24), (24, 32, 24), (25, 64, 48), (769, 2048, 1536)];
        for (count, capacity, threshold) in cases {
            assert_eq!(capacity_for(count), (capacity, threshold), "{count} entries");
        }
    }

    #[test]
    fn an_array_may_be_pointed_back_to() {
        let mut bytes = write_entries(&[(vec![1, 2], None)]);
        let end = bytes.len() - 2;
        // In place of the null: the key's array, which has handle 3 (class, map, array class, array).
        bytes.splice(end..=end, [TC_REFERENCE, 0, 0x7E, 0, 3]);
        assert_eq!(read(&bytes).unwrap(), [(vec![1, 2], Some(vec![1, 2]))]);
    }

    #[test]
    fn load_factor_and_capacity_do_not_matter() {
        let mut bytes = write_entries(&[(vec![1], Some(vec![2]))]);
        let at = bytes.windows(4).position(|w| w == 0.75_f32.to_be_bytes()).unwrap();
        bytes[at..at + 8].copy_from_slice(&[0x40, 0, 0, 0, 0, 0, 0, 99]);
        bytes[at + 10..at + 14].copy_from_slice(&7_i32.to_be_bytes());
        assert_eq!(read(&bytes).unwrap(), [(vec![1], Some(vec![2]))]);
    }

    #[test]
    fn every_cut_is_noticed() {
        for end in 0..JAVA_17.len() {
            assert!(read(&JAVA_17[..end]).is_err(), "cut after {end} bytes");
        }
        let mut longer = JAVA_17.to_vec();
        longer.push(0);
        assert!(read(&longer).unwrap_err().what.contains("1 more bytes after the end"));
    }

    #[test]
    fn damage_never_panics_and_structure_is_checked() {
        for at in 0..JAVA_17.len() {
            for flip in [0x01, 0x80, 0xFF] {
                let mut bytes = JAVA_17.to_vec();
                bytes[at] ^= flip;
                // Damage inside keys and values cannot be seen here; everything else must end in an answer.
                let _ = read(&bytes);
            }
        }
    }

    #[test]
    fn other_classes_are_named() {
        let mut bytes = JAVA_17.to_vec();
        bytes[8..25].copy_from_slice(b"java.util.TreeMap");
        let error = read(&bytes).unwrap_err();
        assert!(error.to_string().contains("java.util.TreeMap"), "{error}");
        assert!(read(b"{\"a\":1}").unwrap_err().what.contains("not a Java object stream"));
    }

    #[test]
    fn a_claimed_size_takes_no_memory() {
        // An empty map is its head, which ends with the size, and one byte for its end.
        let mut bytes = write_entries(&[]);
        bytes.pop();
        let end = bytes.len();
        bytes[end - 4..].copy_from_slice(&i32::MAX.to_be_bytes());
        assert!(read(&bytes).unwrap_err().what.contains("ends early"));
        bytes[end - 4..].copy_from_slice(&(-1_i32).to_be_bytes());
        assert!(read(&bytes).unwrap_err().what.contains("negative length"));
    }
}
