//! `ferroconnect completions`: the script that completes commands in a shell.

use std::process::ExitCode;

use clap::{Args, CommandFactory};
use clap_complete::Shell;

use super::output::print;

/// For which shell.
#[derive(Debug, Args)]
pub(super) struct CompletionsArgs {
    /// The shell that will read it
    shell: Shell,
}

/// Writes the script for a command line.
pub(super) fn run<C: CommandFactory>(args: &CompletionsArgs) -> ExitCode {
    match print(&script::<C>(args.shell)) {
        // The reader, such as `head`, has seen enough.
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            eprintln!("ferroconnect: the output could not be written: {error}");
            ExitCode::FAILURE
        }
        _ => ExitCode::SUCCESS,
    }
}

fn script<C: CommandFactory>(shell: Shell) -> String {
    let mut command = C::command();
    let name = command.get_name().to_owned();
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut command, name, &mut script);
    String::from_utf8(script).expect("names and help of commands are UTF-8")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write as _;
    use std::process::{Command, Stdio};

    use clap::Parser;

    #[derive(Parser)]
    #[command(name = "tool")]
    struct Tool {
        /// It's "quoted" `twice`
        #[arg(long)]
        odd: bool,
    }

    #[test]
    fn every_shell_gets_a_script_of_its_own() {
        use clap::ValueEnum as _;
        let scripts: std::collections::HashSet<String> =
            Shell::value_variants().iter().map(|&shell| script::<Tool>(shell)).collect();
        assert_eq!(scripts.len(), Shell::value_variants().len());
        assert!(scripts.iter().all(|script| script.contains("--odd") || script.contains("odd")));
    }

    #[test]
    fn bash_accepts_its_script() {
        let mut bash = Command::new("bash").arg("-n").stdin(Stdio::piped()).spawn().unwrap();
        bash.stdin.take().unwrap().write_all(script::<Tool>(Shell::Bash).as_bytes()).unwrap();
        assert!(bash.wait().unwrap().success());
    }
}
