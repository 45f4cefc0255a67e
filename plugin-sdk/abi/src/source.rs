//! Source connectors and their tasks. Implemented by plugins (through the SDK), called by the host.

use crate::config::{Attribute, ConfigValue, Pairs, numbered};
use crate::containers::{AbiBox, AbiOption, AbiSlice, AbiStr, AbiVec};
use crate::error::{AbiError, AbiResult};
use crate::host::{ConnectorContextObject, SourceTaskContextObject};
use crate::record::{Acknowledgement, OffsetMap, SourceBatch};
use abi_stable::{StableAbi, sabi_trait};

numbered! {
    /// A plugin's answer to "can you do this with that configuration?" (KIP-618).
    Support {
        /// It does not say (Java: null).
        UNKNOWN = 0,
        /// It can.
        SUPPORTED = 1,
        /// It cannot.
        UNSUPPORTED = 2,
    }
}

/// A source position to alter: absent offset = forget the partition.
#[repr(C)]
#[derive(StableAbi, Clone, Debug)]
pub struct AlteredOffset {
    /// The source partition; absent where the user gave null, which most connectors refuse.
    pub partition: AbiOption<OffsetMap>,
    /// The new offset.
    pub offset: AbiOption<OffsetMap>,
    /// [`Attribute::RESET`]; others are reserved.
    pub attributes: AbiVec<Attribute>,
}

/// The thread-safe half of a connector or task: may be called at any time, from any thread, also while the other
/// half is blocked in a call. Returns at once.
#[sabi_trait]
pub trait Control: Send + Sync + 'static {
    /// Asks the other half to come to an end: a blocked call returns soon, waiting ends.
    fn stop(&self);

    /// A named call for features that came after 1.0.
    #[sabi(last_prefix_field)]
    fn extension(&self, name: AbiStr<'_>, data: AbiSlice<'_, u8>) -> AbiResult<AbiVec<u8>>;
}

/// An owned [`Control`].
pub type ControlObject = Control_TO<AbiBox<()>>;

/// A source connector (Java: SourceConnector). One thread at a time calls it; calls may block.
///
/// `validate`, `alter_offsets`, `exactly_once_support` and `can_define_transactions` may be called on an instance
/// that was never started.
#[sabi_trait]
pub trait SourceConnector: Send + 'static {
    /// The half that other threads may use; asked for once.
    fn control(&self) -> ControlObject;

    /// Checks a whole configuration, keys in relation to each other included. The host has already made the
    /// checks of the definition; the answer holds the keys whose state differs from them.
    fn validate(&self, config: Pairs) -> AbiResult<AbiVec<ConfigValue>>;

    /// Starts it.
    fn start(&mut self, context: ConnectorContextObject, config: Pairs) -> AbiResult<()>;

    /// The configurations of at most `maximum` tasks.
    fn task_configs(&mut self, maximum: u32) -> AbiResult<AbiVec<Pairs>>;

    /// Stops it. No call follows but the drop.
    fn stop(&mut self) -> AbiResult<()>;

    /// The user wants to alter or reset offsets (KIP-875). An empty list is a reset of a connector without stored
    /// offsets. True = the plugin handled offsets that it keeps itself.
    fn alter_offsets(&mut self, config: Pairs, offsets: AbiVec<AlteredOffset>) -> AbiResult<bool>;

    /// Whether it can do exactly-once with this configuration.
    fn exactly_once_support(&self, config: Pairs) -> AbiResult<Support>;

    /// Whether it can define transaction boundaries with this configuration.
    #[sabi(last_prefix_field)]
    fn can_define_transactions(&self, config: Pairs) -> AbiResult<Support>;

    /// A named call for features that came after 1.0.
    fn extension(&mut self, name: AbiStr<'_>, data: AbiSlice<'_, u8>) -> AbiResult<AbiVec<u8>> {
        let _ = data;
        AbiResult::RErr(AbiError::unsupported(name.as_str()))
    }
}

// A macro only so that the tests of the compatibility promise can add a method, as a later minor release would.
macro_rules! source_task {
    ($($later:tt)*) => {
        /// A source task (Java: SourceTask). All calls come from the task's own thread; they may block, and come back soon
        /// after `control().stop()`.
        #[sabi_trait]
        pub trait SourceTask: Send + 'static {
            /// The half that other threads may use; asked for once.
            fn control(&self) -> ControlObject;

            /// Starts it.
            fn start(&mut self, context: SourceTaskContextObject, config: Pairs) -> AbiResult<()>;

            /// Whether `acknowledge` is to be called. Asked once, after start.
            fn wants_acknowledgements(&self) -> bool;

            /// Fills the batch with what there is. May wait for data a while; an empty batch is fine. A retriable error
            /// means no data now.
            fn poll(&mut self, batch: &mut SourceBatch) -> AbiResult<()>;

            /// What became of records, in the order the answers came.
            fn acknowledge(&mut self, acknowledgements: AbiVec<Acknowledgement>) -> AbiResult<()>;

            /// The offset store has all positions up to those acknowledged before this call.
            fn commit(&mut self) -> AbiResult<()>;

            /// Stops it; the last call but the drop, always made, also after a failed start.
            #[sabi(last_prefix_field)]
            fn stop(&mut self) -> AbiResult<()>;

            /// A named call for features that came after 1.0.
            fn extension(&mut self, name: AbiStr<'_>, data: AbiSlice<'_, u8>) -> AbiResult<AbiVec<u8>> {
                let _ = data;
                AbiResult::RErr(AbiError::unsupported(name.as_str()))
            }
            $($later)*
        }
    };
}

#[cfg(not(feature = "next-minor"))]
source_task! {}
#[cfg(feature = "next-minor")]
source_task! {
    /// A method of the next minor release.
    fn next_minor_probe(&self) -> u32 {
        0
    }
}

/// An owned [`SourceConnector`].
pub type SourceConnectorObject = SourceConnector_TO<AbiBox<()>>;
/// An owned [`SourceTask`].
pub type SourceTaskObject = SourceTask_TO<AbiBox<()>>;
