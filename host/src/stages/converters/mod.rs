//! The converters that come with the worker, one file each. All of them also serve as header converters.

pub mod boolean;
pub mod byte_array;
pub mod json;
pub mod number;
pub mod string;

/// Makes a converter that ignores headers serve as a header converter too.
macro_rules! converts_headers {
    ($converter:ty $(, $parameter:ident: $bound:ident)?) => {
        impl$(<$parameter: $bound>)? crate::stages::HeaderConverter for $converter {
            fn from_connect_header(
                &mut self,
                _topic: &ferroconnect_plugin_abi::Text,
                _key: &ferroconnect_plugin_abi::Text,
                data: &ferroconnect_plugin_abi::Data,
            ) -> crate::error::Result<Option<ferroconnect_plugin_abi::Blob>> {
                self.write(data)
            }

            fn to_connect_header(
                &mut self,
                _topic: &ferroconnect_plugin_abi::Text,
                _key: &ferroconnect_plugin_abi::Text,
                bytes: Option<&ferroconnect_plugin_abi::Blob>,
            ) -> crate::error::Result<ferroconnect_plugin_abi::Data> {
                self.read(bytes)
            }
        }

        impl$(<$parameter: $bound>)? crate::stages::Converter for $converter {
            fn from_connect(
                &mut self,
                _topic: &ferroconnect_plugin_abi::Text,
                _headers: &mut ferroconnect_plugin_abi::containers::AbiVec<ferroconnect_plugin_abi::Header>,
                data: &ferroconnect_plugin_abi::Data,
            ) -> crate::error::Result<Option<ferroconnect_plugin_abi::Blob>> {
                self.write(data)
            }

            fn to_connect(
                &mut self,
                _topic: &ferroconnect_plugin_abi::Text,
                _headers: &[ferroconnect_plugin_abi::record::RawHeader],
                bytes: Option<&ferroconnect_plugin_abi::Blob>,
            ) -> crate::error::Result<ferroconnect_plugin_abi::Data> {
                self.read(bytes)
            }
        }
    };
}
use converts_headers;
