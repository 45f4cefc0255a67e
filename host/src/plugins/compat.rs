//! Whether a library's layout of the contract fits this host's, and if not, which type and field is to blame.
//!
//! The check of the container crate asks whether everything the *expected* side knows is there on the *actual* side.
//! So a library of the same or a later minor version passes with the host as the expected side, and one of an earlier
//! version passes with the sides swapped: then the host has more, at the ends of tables, and reads what is missing as
//! absent.

use std::cmp::Ordering;

use ferroconnect_plugin_abi::__abi_stable::abi_stability::abi_checking::{
    AbiInstability, AbiInstabilityErrors, check_layout_compatibility,
};
use ferroconnect_plugin_abi::__abi_stable::type_layout::{TLField, TLFieldOrFunction, TypeLayout};
use ferroconnect_plugin_abi::{ABI_MAJOR, ABI_MINOR};

/// How a library that fits stands to this host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fit {
    /// It knows all that the host knows.
    Full,
    /// It is older and does without what came later.
    Older,
}

/// Why a library does not fit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Misfit {
    /// Type, field and the newer side.
    pub(super) message: String,
    /// What to do.
    pub(super) way_out: String,
}

/// Compares the layouts of a library whose major version is that of the host.
pub(super) fn check(
    host: &'static TypeLayout,
    library: &'static TypeLayout,
    library_minor: u16,
    sdk: &str,
) -> Result<Fit, Misfit> {
    let Err(forward) = check_layout_compatibility(host, library) else { return Ok(Fit::Full) };
    if library_minor.cmp(&ABI_MINOR).is_ge() {
        return Err(misfit(&forward, Expected::Host, library_minor, sdk));
    }
    match check_layout_compatibility(library, host) {
        Ok(()) => Ok(Fit::Older),
        Err(reverse) => Err(misfit(&reverse, Expected::Library, library_minor, sdk)),
    }
}

/// Which side was taken as the expected one.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Expected {
    Host,
    Library,
}

fn misfit(errors: &AbiInstabilityErrors, expected: Expected, library_minor: u16, sdk: &str) -> Misfit {
    tracing::debug!("Layout check of the plugin contract: {errors}");
    let what = difference(errors, expected);
    let rebuild = || "Build the plugin again with a released SDK".to_owned();
    let (newer, way_out) = match library_minor.cmp(&ABI_MINOR) {
        Ordering::Greater => (
            "the plugin is the newer side",
            format!(
                "Upgrade the worker to one with ABI {ABI_MAJOR}.{library_minor} or later, or build the plugin with an \
                 SDK of ABI {ABI_MAJOR}.{ABI_MINOR}"
            ),
        ),
        Ordering::Less => {
            ("the worker is the newer side, and the plugin is not of the ABI release that it claims", rebuild())
        }
        Ordering::Equal => {
            ("both sides claim the same ABI version, so the plugin was built with a changed copy of it", rebuild())
        }
    };
    Misfit {
        message: format!(
            "its plugin ABI {ABI_MAJOR}.{library_minor} ({sdk}) does not fit this worker's {ABI_MAJOR}.{ABI_MINOR}: \
             {what}; {newer}"
        ),
        way_out,
    }
}

/// The difference that says most, in one sentence.
fn difference(errors: &AbiInstabilityErrors, expected: Expected) -> String {
    let all = errors.errors.iter().flat_map(|place| place.errs.iter().map(move |error| (place, error)));
    let Some((place, error)) = all.min_by_key(|(_, error)| vagueness(error)) else {
        return "the layouts differ".to_owned();
    };
    let steps = place.stack_trace.as_slice();
    let [.., last] = steps else {
        return describe("", errors.interface, errors.implementation, error);
    };
    let (here, there) = match expected {
        Expected::Host => (&last.expected, &last.found),
        Expected::Library => (&last.found, &last.expected),
    };
    let inside = steps.iter().rev().nth(1).map(|step| name_of(&step.expected)).unwrap_or_default();
    match (here, there) {
        (TLFieldOrFunction::Field(host), TLFieldOrFunction::Field(library)) => {
            let place = format!("`{}` in {inside}: ", host.name());
            describe(&place, host.layout(), library.layout(), error)
        }
        (here, _) => format!("the parameters or the result of {} in {inside} differ", name_of(here)),
    }
}

fn name_of(step: &TLFieldOrFunction) -> String {
    match step {
        TLFieldOrFunction::Field(field) => format!("`{}`", field.layout().name()),
        TLFieldOrFunction::Function(function) => format!("function `{}`", function.name),
    }
}

/// A named field says more than a number of fields, and that more than a size.
fn vagueness(error: &AbiInstability) -> u8 {
    match error {
        AbiInstability::UnexpectedField(_) | AbiInstability::FieldCountMismatch(_) => 0,
        AbiInstability::Name(_) | AbiInstability::MismatchedPrimitive(_) => 1,
        AbiInstability::MismatchedPrefixSize(_) | AbiInstability::TLDataDiscriminant(_) => 2,
        AbiInstability::Size(_) | AbiInstability::Alignment(_) => 4,
        _ => 3,
    }
}

/// `place` says where the type stands; it matters where the type itself is not the one that changed.
fn describe(place: &str, host: &'static TypeLayout, library: &'static TypeLayout, error: &AbiInstability) -> String {
    let name = host.name();
    match error {
        AbiInstability::FieldCountMismatch(_) | AbiInstability::UnexpectedField(_) => {
            fields_differ(name, &fields(host), &fields(library))
        }
        AbiInstability::Name(_) | AbiInstability::MismatchedPrimitive(_) => {
            format!("{place}type `{}` in the worker, `{}` in the plugin", host.full_type(), library.full_type())
        }
        AbiInstability::Size(_) => {
            format!("{place}type `{name}` has {} bytes in the worker, {} in the plugin", host.size(), library.size())
        }
        other => {
            let text = format!("{other:?}");
            let kind = text.split(|c: char| !c.is_alphanumeric()).next().unwrap_or_default();
            format!("{place}type `{name}` differs ({kind})")
        }
    }
}

fn fields(layout: &'static TypeLayout) -> Vec<TLField> {
    layout.get_fields().map(|fields| fields.to_vec()).unwrap_or_default()
}

fn fields_differ(name: &str, host: &[TLField], library: &[TLField]) -> String {
    let has = |fields: &[TLField], name: &str| fields.iter().any(|field| field.name() == name);
    if let Some(field) = library.iter().find(|field| !has(host, field.name())) {
        return format!("field `{}` of type `{name}` is in the plugin but not in the worker", field.name());
    }
    if let Some(field) = host.iter().find(|field| !has(library, field.name())) {
        return format!("field `{}` of type `{name}` is in the worker but not in the plugin", field.name());
    }
    let moved = host.iter().zip(library).find(|(a, b)| a.name() != b.name());
    match moved {
        Some((here, there)) => format!(
            "where type `{name}` has the field `{}` in the worker, it has `{}` in the plugin",
            here.name(),
            there.name()
        ),
        None => format!("type `{name}` has {} fields in the worker and {} in the plugin", host.len(), library.len()),
    }
}
