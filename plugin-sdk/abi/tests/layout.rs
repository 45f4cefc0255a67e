//! Holds the layout of the contract: every type that can be reached from the root of a library, each field with its
//! place, each function with its parameters.
//!
//! `layout/1.0.txt` has one line per fact. A line of it that is no longer true breaks libraries that exist, so the test
//! fails. Facts that came later are fine: they are fields and methods behind the end of what 1.0 knows. Before the first
//! release the file may be written anew: `FERROCONNECT_WRITE_LAYOUT=1 cargo test -p ferroconnect-plugin-abi`.

#![cfg(target_pointer_width = "64")]

use ferroconnect_plugin_abi::__abi_stable::StableAbi;
use ferroconnect_plugin_abi::__abi_stable::type_layout::{TLData, TLField, TLFunction, TypeLayout};
use ferroconnect_plugin_abi::info::BuildInfo;
use ferroconnect_plugin_abi::library::PluginLibraryRef;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::mem::offset_of;

const GOLDEN: &str = include_str!("layout/1.0.txt");

/// All facts, one line each, in the order in which the types are reached.
#[derive(Default)]
struct Facts {
    lines: Vec<String>,
    seen: BTreeMap<String, &'static TypeLayout>,
}

impl Facts {
    fn all() -> Facts {
        let mut facts = Facts::default();
        facts.visit(PluginLibraryRef::LAYOUT);
        facts.build_info();
        facts
    }

    fn add(&mut self, line: String) {
        self.lines.push(line);
    }

    fn visit(&mut self, layout: &'static TypeLayout) {
        let name = name_of(layout);
        if let Some(seen) = self.seen.insert(name.clone(), layout) {
            let same = seen.get_utypeid() == layout.get_utypeid();
            assert!(same || !is_ours(layout), "two types are called {name}");
            return;
        }
        match layout.data() {
            TLData::Primitive(_) | TLData::Opaque => self.whole(&name, layout, "opaque"),
            TLData::Struct { fields } => {
                self.whole(&name, layout, "struct");
                self.sequence(&name, layout, fields.iter());
            }
            TLData::Union { fields } => {
                self.whole(&name, layout, "union");
                for field in fields.iter() {
                    self.add(format!("{name}.{}: {}", field.name(), what(&field)));
                }
            }
            TLData::Enum(data) => {
                self.whole(&name, layout, "enum");
                self.add(format!("{name} variants {}", data.variant_names.as_str()));
                for (place, field) in data.fields.iter().enumerate() {
                    self.add(format!("{name} variant field {place} {}: {}", field.name(), what(&field)));
                }
            }
            // Grows at its end, so neither its size nor the number of its fields is a fact.
            TLData::PrefixType(prefix) => {
                self.add(format!("{name} prefix ends before {}", prefix.first_suffix_field));
                for (place, field) in prefix.fields.iter().enumerate() {
                    self.add(format!("{name} #{place} {}: {}", field.name(), what(&field)));
                }
            }
        }
        self.inside(layout);
    }

    fn whole(&mut self, name: &str, layout: &'static TypeLayout, kind: &str) {
        self.add(format!("{name} {kind} of {} bytes aligned to {}", layout.size(), layout.alignment()));
    }

    /// The fields of a C struct, whose places follow from their sizes. The container crate leaves some of its fields
    /// out; its types are held by their size and its exact version.
    fn sequence(&mut self, name: &str, layout: &'static TypeLayout, fields: impl Iterator<Item = TLField>) {
        let mut end = 0_usize;
        let mut lines = Vec::new();
        for field in fields {
            let (size, alignment) = (field.layout().size(), field.layout().alignment());
            let place = end.next_multiple_of(alignment);
            lines.push(format!("{name}.{} at {place}: {}", field.name(), what(&field)));
            end = place + size;
        }
        if end.next_multiple_of(layout.alignment()) == layout.size() {
            self.lines.extend(lines);
        } else {
            assert!(!is_ours(layout), "{name} is not a C struct");
        }
    }

    /// Everything that the type speaks of.
    fn inside(&mut self, layout: &'static TypeLayout) {
        let fields = layout.get_fields().into_iter().flat_map(|fields| fields.to_vec());
        for field in fields.chain(layout.phantom_fields().to_vec()) {
            for function in field.function_range().iter() {
                for parameter in function.param_type_layouts.iter() {
                    self.visit(parameter());
                }
                if let Some(result) = function.return_type_layout() {
                    self.visit(result());
                }
            }
            self.visit(field.layout());
        }
    }

    /// The symbol that is read before anything is known of a library has no layout of its own to compare.
    fn build_info(&mut self) {
        let size = size_of::<BuildInfo>();
        let mut line = |field: &str, place: usize| self.lines.push(format!("BuildInfo.{field} at {place}"));
        line("magic", offset_of!(BuildInfo, magic));
        line("size", offset_of!(BuildInfo, size));
        line("abi_major", offset_of!(BuildInfo, abi_major));
        line("abi_minor", offset_of!(BuildInfo, abi_minor));
        line("panic", offset_of!(BuildInfo, panic));
        line("sdk", offset_of!(BuildInfo, sdk));
        line("rustc", offset_of!(BuildInfo, rustc));
        line("target", offset_of!(BuildInfo, target));
        line("package", offset_of!(BuildInfo, package));
        line("version", offset_of!(BuildInfo, version));
        line("capabilities", offset_of!(BuildInfo, capabilities));
        assert!(size >= offset_of!(BuildInfo, capabilities) + 16);
    }
}

fn is_ours(layout: &'static TypeLayout) -> bool {
    layout.package().as_str() == "ferroconnect-plugin-abi"
}

/// The name of a type with its arguments, such as `RVec<Record>`. The container crate does not list the arguments of its
/// own types; they are read off what the type holds.
fn name_of(layout: &'static TypeLayout) -> String {
    let arguments: Vec<String> = match layout.name() {
        "RResult" | "ROption" => fields(layout).iter().map(|field| name_of(field.layout())).collect(),
        "RObject" => fields(layout).iter().flat_map(results).map(name_of).collect(),
        _ => argument(layout).map(name_of).into_iter().collect(),
    };
    let arguments = if arguments.is_empty() {
        layout.generics().type_params().iter().map(|parameter| name_of(parameter())).collect()
    } else {
        arguments
    };
    let name = match layout.name() {
        // Every trait has one of this name, in a module of its own.
        "VTable" => format!("{}::VTable", layout.mod_path().to_string().rsplit("::").next().unwrap_or_default()),
        name => name.to_owned(),
    };
    if arguments.is_empty() { name } else { format!("{name}<{}>", arguments.join(", ")) }
}

fn fields(layout: &'static TypeLayout) -> Vec<TLField> {
    layout.get_fields().map(|fields| fields.to_vec()).unwrap_or_default()
}

/// What the functions of a field give back.
fn results(field: &TLField) -> Vec<&'static TypeLayout> {
    field.function_range().iter().filter_map(|function| Some(function.return_type_layout()?())).collect()
}

/// What a container of one type holds.
fn argument(layout: &'static TypeLayout) -> Option<&'static TypeLayout> {
    let pointee = |place: usize| {
        let pointer = fields(layout).get(place)?.layout();
        pointer.generics().type_params().first().map(|parameter| parameter())
    };
    match layout.name() {
        "RVec" | "RBox" | "RSlice" | "RSliceMut" | "RRef" | "RMut" => pointee(0),
        "SharedObject" => pointee(1),
        "Shared" | "MaybeShared" => pointee(0).and_then(argument),
        _ => None,
    }
}

/// The type of a field, with the signature where it is a function.
fn what(field: &TLField) -> String {
    let functions: Vec<String> = field.function_range().iter().map(|function| signature(&function)).collect();
    if functions.is_empty() { name_of(field.layout()) } else { functions.join(" and ") }
}

fn signature(function: &TLFunction) -> String {
    let names = function.param_names.as_str().split(',');
    let mut text = String::from("fn(");
    for (place, (name, layout)) in names.zip(function.param_type_layouts.iter()).enumerate() {
        let comma = if place == 0 { "" } else { ", " };
        let colon = if name.is_empty() { "" } else { ": " };
        // Writing to a String cannot fail.
        let _ = write!(text, "{comma}{name}{colon}{}", name_of(layout()));
    }
    text.push(')');
    if let Some(result) = function.return_type_layout() {
        let _ = write!(text, " -> {}", name_of(result()));
    }
    text
}

#[test]
fn no_fact_of_1_0_has_changed() {
    let facts = Facts::all().lines;
    if std::env::var_os("FERROCONNECT_WRITE_LAYOUT").is_some() {
        let file = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/layout/1.0.txt");
        std::fs::write(file, facts.join("\n") + "\n").expect("the file can be written");
        return;
    }
    let now: BTreeSet<&str> = facts.iter().map(String::as_str).collect();
    let changed: Vec<&str> = GOLDEN.lines().filter(|line| !now.contains(line)).collect();
    assert!(changed.is_empty(), "libraries built for ABI 1.0 rely on what is no longer so:\n{}", changed.join("\n"));
}

#[test]
fn the_file_has_all_that_matters() {
    let golden: Vec<&str> = GOLDEN.lines().collect();
    for part in [
        "PluginLibrary",
        "Record.topic at 0: Text",
        "SourceBatch.records at 8: ",
        "Value struct of 40 bytes aligned to 8",
        "poll: fn(",
        "put: fn(",
        "report_state: fn(",
        "BuildInfo.abi_major at 12",
    ] {
        assert!(golden.iter().any(|line| line.contains(part)), "no line says `{part}`");
    }
    // Without the feature, the file says all there is: a new fact belongs into it before it is released.
    if !cfg!(feature = "next-minor") {
        assert_eq!(golden.len(), Facts::all().lines.len(), "write the file anew, or say why a fact is missing");
    }
}
