//! The converter of all formats: finds out ids and schemas once, and keeps the plans that a codec makes of them.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Instant;

use ferroconnect_plugin_sdk::{
    AbiVec, Blob, Config, Converter, Data, Description, Error, Header, MaybeShared, Plugin, RawHeader, Result, Schema,
    Shared,
};

use crate::client::{Client, Document, Registered, Way};
use crate::codec::{Codec, Described};
use crate::kept::Kept;
use crate::settings::{self, Choice, Settings};
use crate::wire::{self, Frame, SchemaKey};

/// A converter whose schemas stand in a registry.
pub(crate) struct RegistryConverter<C: Codec> {
    // None until it is configured.
    state: Option<State<C>>,
}

impl<C: Codec> Default for RegistryConverter<C> {
    fn default() -> Self {
        RegistryConverter { state: None }
    }
}

struct State<C: Codec> {
    codec: C,
    settings: Settings,
    registry: Registry,
    /// By the address of the Connect schema, which each entry keeps alive; zero = no schema.
    writers: HashMap<usize, Vec<Writer<C>>>,
    /// How many there are in all.
    writers_kept: usize,
    /// The one that was used last: connectors and transforms that make a schema anew for each record mostly make it equal
    /// to the one before.
    last_writer: usize,
    readers: HashMap<SchemaKey, Vec<Reader<C>>>,
    readers_kept: usize,
    /// Payloads are put together here, so that the memory is asked for once.
    payload: Vec<u8>,
}

struct Writer<C: Codec> {
    topic: String,
    id: i32,
    /// Where the schema was found, for errors; none where its number was given.
    subject: Option<String>,
    plan: C::Writer,
    /// When the registry has to be asked again.
    until: Option<Instant>,
    schema: MaybeShared<Schema>,
}

struct Reader<C: Codec> {
    topic: String,
    plan: C::Reader,
}

impl<C: Codec> Plugin for RegistryConverter<C> {
    fn describe() -> Description {
        Description::new(&format!("ferroconnect.registry.{}", C::NAME), env!("CARGO_PKG_VERSION"))
            .alias(C::JAVA_CLASS)
            .alias(C::NAME)
            .doc(C::DOC)
            .config(C::keys(settings::keys()))
    }
}

impl<C: Codec> Converter for RegistryConverter<C> {
    fn configure(&mut self, config: &Config, is_key: bool) -> Result<()> {
        let settings = Settings::new(config, is_key)?;
        // More than there are plans: those that are made anew after they were forgotten need not ask the registry.
        let kept = settings.plans_kept.saturating_mul(2);
        let client = Client::new(config, C::FORMAT, kept)?;
        let (ids, latest) = (Kept::new(kept), Kept::new(settings.latest_kept));
        self.state = Some(State {
            codec: C::new(config)?,
            registry: Registry { client, ids, latest },
            settings,
            writers: HashMap::new(),
            writers_kept: 0,
            last_writer: 0,
            readers: HashMap::new(),
            readers_kept: 0,
            payload: Vec::new(),
        });
        Ok(())
    }

    fn to_bytes(&mut self, topic: &str, _: &mut AbiVec<Header>, data: &Data) -> Result<Option<Blob>> {
        let schema = data.schema.get();
        if data.value.is_null() {
            return match schema {
                Some(schema) if !schema.optional => Err(Error::data("Found null value for non-optional schema")),
                _ => Ok(None),
            };
        }
        self.state()?.write(topic, schema, data).map(Some)
    }

    fn from_bytes(&mut self, topic: &str, headers: &[RawHeader], bytes: Option<&Blob>) -> Result<Data> {
        match bytes {
            None => Ok(Data::NULL),
            Some(bytes) => self.state()?.read(topic, headers, bytes),
        }
    }
}

impl<C: Codec> RegistryConverter<C> {
    fn state(&mut self) -> Result<&mut State<C>> {
        self.state.as_mut().ok_or_else(|| Error::fatal("the converter was not configured"))
    }
}

impl<C: Codec> State<C> {
    fn write(&mut self, topic: &str, schema: Option<&Shared<Schema>>, data: &Data) -> Result<Blob> {
        let address = schema.map_or(0, Shared::address);
        let (address, at) = match self.find_writer(address, schema, topic) {
            Some(found) => found,
            None => (address, self.add_writer(topic, schema, address)?),
        };
        self.last_writer = address;
        let writer = &self.writers[&address][at];
        self.payload.clear();
        wire::begin(writer.id, &mut self.payload);
        let written = self.codec.write(&writer.plan, &data.value, &mut self.payload);
        written.map_err(|error| writing(&error, writer.id, writer.subject.as_deref()))?;
        Ok(Blob::copy_from(&self.payload))
    }

    /// The address and place of the writer for a schema, or for the last one where that is equal.
    fn find_writer(&self, address: usize, schema: Option<&Shared<Schema>>, topic: &str) -> Option<(usize, usize)> {
        let find = |address: usize, fits: &dyn Fn(&Writer<C>) -> bool| {
            let writers = self.writers.get(&address)?;
            let at = writers.iter().position(|writer| writer.topic == topic && fits(writer))?;
            writers[at].until.is_none_or(|until| Instant::now() < until).then_some((address, at))
        };
        find(address, &|_| true).or_else(|| find(self.last_writer, &|writer| writer.schema.get() == schema))
    }

    fn add_writer(&mut self, topic: &str, schema: Option<&Shared<Schema>>, address: usize) -> Result<usize> {
        self.settings.check_writable()?;
        let described = self.codec.describe(schema)?;
        let chosen = self.registry.choose(&self.settings, topic, &described)?;
        let Chosen { id, subject, document, strict, until } = chosen;
        let plan = self.codec.writer(schema, &described, &document, strict);
        let plan = plan.map_err(|error| writing(&error, id, subject.as_deref()))?;
        if self.writers_kept >= self.settings.plans_kept {
            self.writers.clear();
            self.writers_kept = 0;
        }
        let alive = schema.cloned().into();
        let writers = self.writers.entry(address).or_default();
        let before = writers.len();
        writers.retain(|writer| writer.topic != topic);
        writers.push(Writer { topic: topic.to_owned(), id, subject, plan, until, schema: alive });
        self.writers_kept += writers.len() - before;
        Ok(writers.len() - 1)
    }

    fn read(&mut self, topic: &str, headers: &[RawHeader], bytes: &Blob) -> Result<Data> {
        let headers = if self.settings.reads_headers { headers } else { &[] };
        let Frame { key, start, tail } = wire::parse(headers, self.settings.is_key, bytes)?;
        let known = self.readers.get(&key).and_then(|all| all.iter().position(|reader| reader.topic == topic));
        let at = match known {
            Some(at) => at,
            None => self.add_reader(topic, key)?,
        };
        let reader = &self.readers[&key][at];
        let data = match tail {
            None => self.codec.read(&reader.plan, &bytes.slice(start..bytes.len())),
            Some(tail) => self.codec.read_beside(&reader.plan, tail, bytes),
        };
        data.map_err(|error| reading(&error, key))
    }

    fn add_reader(&mut self, topic: &str, key: SchemaKey) -> Result<usize> {
        let document = self.registry.client.by_key(key, Way::Read)?;
        let version = self.version(topic, key, &document)?;
        let plan = self.codec.reader(&document, version).map_err(|error| reading(&error, key))?;
        if self.readers_kept >= self.settings.plans_kept {
            self.readers.clear();
            self.readers_kept = 0;
        }
        self.readers_kept += 1;
        let readers = self.readers.entry(key).or_default();
        readers.push(Reader { topic: topic.to_owned(), plan });
        Ok(readers.len() - 1)
    }

    /// The version that becomes that of the Connect schema. A topic that was copied or renamed has no subject with the
    /// schema; its records are read all the same.
    fn version(&mut self, topic: &str, key: SchemaKey, document: &Arc<Document>) -> Result<Option<i32>> {
        let SchemaKey::Id(id) = key else { return Ok(None) };
        let name = if self.settings.strategy.needs_record_name() { self.codec.record_name(document) } else { None };
        match self.settings.strategy.subject(topic, self.settings.is_key, name.as_deref()) {
            Ok(subject) => self.registry.client.version(&subject, id),
            Err(_) => Ok(None),
        }
    }
}

/// An error with the schema that was read by: the payload alone does not tell it to whoever looks into the log.
fn reading(error: &Error, key: SchemaKey) -> Error {
    Error::new(error.kind(), format!("Reading by schema {key}: {}", error.message()))
}

/// An error with the schema that was written by.
fn writing(error: &Error, id: i32, subject: Option<&str>) -> Error {
    let of = subject.map(|subject| format!(" of subject {subject}")).unwrap_or_default();
    Error::new(error.kind(), format!("Writing by schema {id}{of}: {}", error.message()))
}

/// The registry with a memory for what was asked.
struct Registry {
    client: Client,
    /// By subject and text.
    ids: Kept<String, Kept<String, i32>>,
    latest: Kept<String, (Registered, Instant)>,
}

/// The registered schema that values are written by.
struct Chosen {
    id: i32,
    subject: Option<String>,
    document: Arc<Document>,
    strict: bool,
    until: Option<Instant>,
}

impl Registry {
    fn choose(&mut self, settings: &Settings, topic: &str, described: &Described) -> Result<Chosen> {
        let subject = || settings.strategy.subject(topic, settings.is_key, described.record_name.as_deref());
        match settings.choice {
            Choice::Register | Choice::LookUp => {
                let subject = subject()?;
                let id = self.own(settings, &subject, &described.text)?;
                let document = Arc::new(Document { text: described.text.clone(), imports: Vec::new() });
                Ok(Chosen { id, subject: Some(subject), document, strict: false, until: None })
            }
            Choice::Id { id, strict } => {
                let document = self.client.by_key(SchemaKey::Id(id), Way::Write)?;
                Ok(Chosen { id, subject: None, document, strict, until: None })
            }
            Choice::Latest { strict } => {
                let subject = subject()?;
                let (Registered { id, document }, asked) = self.latest(settings, &subject)?;
                let until = settings.latest_lasts.map(|lasts| asked + lasts);
                Ok(Chosen { id, subject: Some(subject), document, strict, until })
            }
        }
    }

    /// The id of the values' own schema.
    fn own(&mut self, settings: &Settings, subject: &str, text: &str) -> Result<i32> {
        if let Some(id) = self.ids.get(subject).and_then(|ids| ids.get(text)) {
            return Ok(*id);
        }
        let id = match settings.choice {
            Choice::Register => self.client.register(subject, text, settings.normalize)?,
            _ => self.client.look_up(subject, text, settings.normalize)?.0,
        };
        let ids = self.ids.get_or_insert_with(subject.to_owned(), || Kept::new(settings.registered_kept));
        ids.insert(text.to_owned(), id);
        Ok(id)
    }

    fn latest(&mut self, settings: &Settings, subject: &str) -> Result<(Registered, Instant)> {
        if let Some((latest, asked)) = self.latest.get(subject)
            && settings.latest_lasts.is_none_or(|lasts| asked.elapsed() < lasts)
        {
            return Ok((latest.clone(), *asked));
        }
        let asked = Instant::now();
        let latest = self.client.latest(subject)?;
        self.latest.insert(subject.to_owned(), (latest.clone(), asked));
        Ok((latest, asked))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::avro::{Avro, AvroConverter};
    use crate::protobuf::{ProtobufCodec, ProtobufConverter};
    use ferroconnect_plugin_sdk::{ErrorKind, SchemaBuilder, Value, ValueRef};
    use ferroconnect_test_registry::Registry as Server;

    fn converter(server: &Server, more: &[(&str, &str)]) -> AvroConverter {
        let mut config = Config::from([("max.retries", "0")]);
        config.set("schema.registry.url", server.url());
        for (key, value) in more {
            config.set(key, value);
        }
        let mut converter = AvroConverter::default();
        let def = Avro::keys(crate::settings::keys());
        converter.configure(&def.parse(&config.to_pairs()).expect("complete"), false).expect("right");
        converter
    }

    fn record() -> Data {
        let schema = SchemaBuilder::structure().name("R").field("a", SchemaBuilder::int32().build()).build();
        Data::new(schema.clone(), Value::structure(schema, vec![7i32.into()]))
    }

    fn write(converter: &mut AvroConverter, topic: &str) -> Blob {
        let written = converter.to_bytes(topic, &mut AbiVec::new(), &record());
        written.expect("it can be written").expect("it is not null")
    }

    #[test]
    fn a_schema_is_found_by_the_number_in_a_header() {
        let server = Server::start();
        let mut converter = converter(&server, &[]);
        let bytes = write(&mut converter, "t");
        let guid = [&[1], &server.guid(1)[..]].concat();
        let header = RawHeader { key: "__value_schema_id".into(), value: Some(Blob::copy_from(&guid)).into() };
        let payload = bytes.slice(wire::PREFIX..bytes.len());
        let read = converter.from_bytes("t", &[header], Some(&payload)).expect("it can be read");
        let ValueRef::Struct(content) = read.value.view() else { panic!("a struct") };
        assert_eq!(content.get("a"), Some(&Value::int32(7)));
    }

    #[test]
    fn a_header_is_left_out_where_only_the_prefix_counts() {
        let server = Server::start();
        let prefix = "io.confluent.kafka.serializers.schema.id.PrefixSchemaIdDeserializer";
        let mut converter = converter(&server, &[("value.schema.id.deserializer", prefix)]);
        let bytes = write(&mut converter, "t");
        // The header of a copied record, whose schema this registry does not have.
        let header = [0, 0, 0, 0, 99];
        let header = RawHeader { key: "__value_schema_id".into(), value: Some(Blob::copy_from(&header)).into() };
        let read = converter.from_bytes("t", &[header], Some(&bytes)).expect("it can be read");
        let ValueRef::Struct(content) = read.value.view() else { panic!("a struct") };
        assert_eq!(content.get("a"), Some(&Value::int32(7)));
    }

    #[test]
    fn a_sink_reads_with_keys_that_only_writing_lacks() {
        let server = Server::start();
        let bytes = write(&mut converter(&server, &[]), "t");
        let header = "io.confluent.kafka.serializers.schema.id.HeaderSchemaIdSerializer";
        for (key, value) in [("value.schema.id.serializer", header), ("use.latest.with.metadata", "major=2")] {
            let mut converter = converter(&server, &[(key, value)]);
            converter.from_bytes("t", &[], Some(&bytes)).expect("it can be read");
            let asked = server.requests().len();
            let error = converter.to_bytes("t", &mut AbiVec::new(), &record()).expect_err("refused");
            assert!(error.kind() == ErrorKind::CONFIG && error.message().contains(key), "{error}");
            assert_eq!(server.requests().len(), asked, "nothing is registered");
        }
    }

    #[test]
    fn protobuf_has_the_path_of_its_message_in_the_header_too() {
        let server = Server::start();
        let text = r#"syntax = "proto3"; message A { message B {} message C { string s = 1; } }"#;
        let id = server.register("t-value", "PROTOBUF", text, &[]);
        let mut config = Config::from([("max.retries", "0")]);
        config.set("schema.registry.url", server.url());
        let mut converter = ProtobufConverter::default();
        let def = ProtobufCodec::keys(crate::settings::keys());
        converter.configure(&def.parse(&config.to_pairs()).expect("complete"), false).expect("right");
        let guid = [&[1], &server.guid(id)[..]].concat();
        let number = [&[0], &id.to_be_bytes()[..]].concat();
        let mut read = |schema: &[u8], path: &[u8]| {
            let header = [schema, path].concat();
            let header = RawHeader { key: "__value_schema_id".into(), value: Some(Blob::copy_from(&header)).into() };
            let payload = Blob::copy_from(&[10, 1, b'x']);
            converter.from_bytes("t", &[header], Some(&payload)).map_err(|error| error.message().to_owned())
        };
        // The header that the Python package writes, and the same with the schema's other number.
        for schema in [&guid, &number] {
            let data = read(schema, &[4, 0, 2]).expect("it can be read");
            let ValueRef::Struct(content) = data.value.view() else { panic!("a struct") };
            assert_eq!(content.get("s"), Some(&Value::string("x")));
        }
        for (path, reason) in [
            (&[][..], "The header __value_schema_id ends within the path of its message"),
            (&[4, 0], "The header __value_schema_id ends within the path of its message"),
            (&[4, 0, 4], "The header __value_schema_id names message 2, which the schema does not have"),
            (&[4, 0, 2, 9], "The header __value_schema_id has 1 bytes behind the schema id"),
        ] {
            let refusal = read(&guid, path).expect_err("refused");
            assert!(refusal.ends_with(reason), "{refusal}");
        }
    }

    #[test]
    fn an_equal_schema_needs_no_plan_of_its_own_and_old_plans_go() {
        let server = Server::start();
        let mut converter = converter(&server, &[("schemas.cache.config", "2")]);
        for _ in 0..3 {
            write(&mut converter, "a");
        }
        let kept = |converter: &AvroConverter| converter.state.as_ref().expect("configured").writers_kept;
        assert_eq!(kept(&converter), 1);
        for topic in ["b", "c", "d"] {
            write(&mut converter, topic);
            assert!(kept(&converter) <= 2);
        }
        assert_eq!(server.requests().len(), 4);
        // A plan that went is made again without the registry.
        let payloads = ["a", "b", "c", "d"].map(|topic| (topic, write(&mut converter, topic)));
        assert_eq!(server.requests().len(), 4);
        let mut read = |topic: &str, payload: &Blob| converter.from_bytes(topic, &[], Some(payload)).expect("it fits");
        payloads.iter().for_each(|(topic, payload)| drop(read(topic, payload)));
        let asked = server.requests().len();
        payloads.iter().for_each(|(topic, payload)| drop(read(topic, payload)));
        assert_eq!(server.requests().len(), asked);
    }

    #[test]
    fn ids_are_remembered_for_each_subject() {
        let server = Server::start();
        let few = [("max.schemas.per.subject", "1"), ("schemas.cache.config", "1")];
        let mut converter = converter(&server, &few);
        for topic in ["a", "b", "a", "b"] {
            write(&mut converter, topic);
        }
        assert_eq!(server.requests().len(), 2);
    }
}
