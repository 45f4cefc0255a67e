//! Between the authors' traits and the contract: every author method runs behind a guard.

pub mod guard;
mod half;
mod services;
mod sink;
mod source;
mod stages;

pub(crate) use half::Glue;
pub(crate) use services::{PolicyGlue, ProviderGlue, RestGlue};
pub(crate) use stages::{ConverterGlue, HeaderConverterGlue, PredicateGlue, TransformGlue};

use ferroconnect_plugin_abi::containers::{AbiSlice, AbiStr, AbiVec};
use ferroconnect_plugin_abi::error::{AbiError, AbiResult};
use ferroconnect_plugin_abi::source::{Control, Control_TO, ControlObject};

use crate::stop::StopSignal;

/// The thread-safe half of every connector and task.
struct StopControl {
    stop: StopSignal,
}

impl Control for StopControl {
    fn stop(&self) {
        guard::run_detached(|| self.stop.stop());
    }

    fn extension(&self, name: AbiStr<'_>, _data: AbiSlice<'_, u8>) -> AbiResult<AbiVec<u8>> {
        AbiResult::RErr(AbiError::unsupported(name.as_str()))
    }
}

fn control(stop: &StopSignal) -> ControlObject {
    Control_TO::from_value(
        StopControl { stop: stop.clone() },
        ferroconnect_plugin_abi::__abi_stable::sabi_trait::TD_Opaque,
    )
}
