//! Converters, header converters, transforms and predicates behind their guard.

use super::guard::Guarded;
use crate::config::{Config, ConfigDef};
use crate::error::{Error, Result};
use crate::stage::{Converter, HeaderConverter, Predicate, Transform};
use ferroconnect_plugin_abi::bytes::Blob;
use ferroconnect_plugin_abi::config::Pairs;
use ferroconnect_plugin_abi::containers::{AbiOption, AbiSlice, AbiSliceMut, AbiVec};
use ferroconnect_plugin_abi::error::AbiResult;
use ferroconnect_plugin_abi::record::Record;
use ferroconnect_plugin_abi::stages::{
    Converter as AbiConverter, FromBytes, Predicate as AbiPredicate, ToBytes, Transform as AbiTransform,
};

fn into_abi<T>(result: Result<T>) -> AbiResult<T> {
    match result {
        Ok(value) => AbiResult::ROk(value),
        Err(error) => AbiResult::RErr(error.into_abi()),
    }
}

fn bytes_into_abi(result: Result<Option<Blob>>) -> AbiResult<AbiOption<Blob>> {
    into_abi(result.map(AbiOption::from))
}

macro_rules! glue {
    ($name:ident) => {
        pub(crate) struct $name<S> {
            stage: Guarded<S>,
            def: ConfigDef,
        }

        impl<S> $name<S> {
            pub(crate) fn new(class: &str, def: ConfigDef, stage: S) -> $name<S> {
                $name { stage: Guarded::new(class, stage), def }
            }
        }
    };
}

glue!(ConverterGlue);
glue!(HeaderConverterGlue);
glue!(TransformGlue);
glue!(PredicateGlue);

impl<S: Converter> AbiConverter for ConverterGlue<S> {
    fn configure(&mut self, config: Pairs) -> AbiResult<()> {
        let def = &self.def;
        self.stage.call("configure", |stage| {
            let is_key = Config::from_pairs(&config).get("converter.type") == Some("key");
            stage.configure(&def.parse(&config)?, is_key)
        })
    }

    fn to_bytes(&mut self, mut items: AbiSliceMut<'_, ToBytes>) -> AbiResult<()> {
        self.stage.call("to_bytes", |stage| {
            for item in items.as_mut_slice() {
                item.result = bytes_into_abi(stage.to_bytes(&item.topic, &mut item.headers, &item.data));
            }
            Ok(())
        })
    }

    fn from_bytes(&mut self, mut items: AbiSliceMut<'_, FromBytes>) -> AbiResult<()> {
        self.stage.call("from_bytes", |stage| {
            for item in items.as_mut_slice() {
                let bytes = item.bytes.as_ref().into_option();
                item.result = into_abi(stage.from_bytes(&item.topic, &item.headers, bytes));
            }
            Ok(())
        })
    }
}

impl<S: HeaderConverter> AbiConverter for HeaderConverterGlue<S> {
    fn configure(&mut self, config: Pairs) -> AbiResult<()> {
        let def = &self.def;
        self.stage.call("configure", |stage| stage.configure(&def.parse(&config)?))
    }

    fn to_bytes(&mut self, mut items: AbiSliceMut<'_, ToBytes>) -> AbiResult<()> {
        self.stage.call("to_bytes", |stage| {
            for item in items.as_mut_slice() {
                item.result = bytes_into_abi(stage.to_bytes(&item.topic, &item.name, &item.data));
            }
            Ok(())
        })
    }

    fn from_bytes(&mut self, mut items: AbiSliceMut<'_, FromBytes>) -> AbiResult<()> {
        self.stage.call("from_bytes", |stage| {
            for item in items.as_mut_slice() {
                let bytes = item.bytes.as_ref().into_option();
                item.result = into_abi(stage.from_bytes(&item.topic, &item.name, bytes));
            }
            Ok(())
        })
    }
}

impl<S: Transform> AbiTransform for TransformGlue<S> {
    fn configure(&mut self, config: Pairs) -> AbiResult<()> {
        let def = &self.def;
        self.stage.call("configure", |stage| stage.configure(&def.parse(&config)?))
    }

    fn apply(&mut self, mut records: AbiSliceMut<'_, Record>, keep: &mut AbiVec<AbiResult<bool>>) -> AbiResult<()> {
        self.stage.call("apply", |stage| {
            for record in records.as_mut_slice() {
                keep.push(into_abi(stage.apply(record)));
            }
            Ok(())
        })
    }
}

impl<S: Predicate> AbiPredicate for PredicateGlue<S> {
    fn configure(&mut self, config: Pairs) -> AbiResult<()> {
        let def = &self.def;
        self.stage.call("configure", |stage| stage.configure(&def.parse(&config)?))
    }

    fn test(&mut self, records: AbiSlice<'_, Record>, answers: &mut AbiVec<AbiResult<bool>>) -> AbiResult<()> {
        self.stage.call("test", |stage| {
            for record in records.as_slice() {
                answers.push(into_abi(stage.test(record)));
            }
            Ok::<(), Error>(())
        })
    }
}
