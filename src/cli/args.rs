//! The command line, as plain data.

mod acting;
mod alone;
mod asking;
mod lifetime;
mod shared;

pub(super) use acting::{Arguments, Disable, Enable, Exec, Names};
pub(super) use alone::{CompletionShell, Docs, Doctor, Eval, Init, Man, Version};
pub(super) use asking::{Describe, Events, Get, GraphArgs, GraphOutput, Logs, Status, Wait, Why};
pub(super) use lifetime::{Attach, Ci, Down, Ls, Up};
pub(super) use shared::{Asking, FileArg, Form, OrchfileArgs, Output, Selection, parse_duration};

use clap::{Parser, Subcommand, builder::styling};

const STYLES: styling::Styles = styling::Styles::styled()
    .header(styling::AnsiColor::Green.on_default().bold())
    .usage(styling::AnsiColor::Green.on_default().bold())
    .literal(styling::AnsiColor::Cyan.on_default().bold())
    .placeholder(styling::AnsiColor::Cyan.on_default());

/// make for running systems, in one file.
#[derive(Debug, Parser)]
#[command(name = "orch", version, styles = STYLES, propagate_version = true, disable_help_subcommand = true)]
#[command(
    after_help = "Start with `orch up` in a folder with an Orchfile (or a Tiltfile). Exit codes: 0 well, 1 a resource failed, \
    2 usage or Orchfile error, 124 timeout, 125 unusable environment."
)]
pub(super) struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub(super) verb: Verb,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(super) enum Verb {
    /// Build and start everything, then redo on each save just what is no longer true
    Up(Up),
    /// Build and start everything once, answer with the exit code, stop
    Ci(Ci),
    /// Open the dashboard on the running session
    Attach(Attach),
    /// Stop the running session, run the teardown commands and remove containers, dependants first
    Down(Down),
    /// List the sessions that run on this machine
    Ls(Ls),
    /// Show the state of every resource
    Status(Status),
    /// Show all that is known of resources
    Describe(Describe),
    /// Print one field of a resource, for scripts
    Get(Get),
    /// Wait until resources are ready or up to date
    Wait(Wait),
    /// Print logs, also of earlier sessions
    Logs(Logs),
    /// Run resources now, even if they are up to date
    Trigger(Names),
    /// Press a button of the running session; without a name, list the buttons
    Click(super::click::Click),
    /// Restart the servers of resources; one without a server runs again
    Restart(Names),
    /// End what resources have running and keep it ended
    Stop(Names),
    /// Start resources that were stopped
    Start(Names),
    /// Make resources part of the session, with all that they need
    Enable(Enable),
    /// Take resources out of the session, with those that need them
    Disable(Disable),
    /// Show the arguments of the Orchfile, or give it others
    Args(Arguments),
    /// Run a command, or a shell, in a resource's container or pod, or in its folder with its environment
    Exec(Exec),
    /// Say why a resource ran, waits or did not run
    Why(Why),
    /// Follow what happens
    Events(Events),
    /// Show what depends on what
    Graph(GraphArgs),
    /// Say what of the environment is missing, and how to mend it
    Doctor(Doctor),
    /// Print what the Orchfile evaluates to
    Eval(Eval),
    /// Write a first Orchfile from what is found here
    Init(Init),
    /// Serve editors: completion, documentation, diagnostics (the Language Server Protocol, on standard input and output)
    Lsp,
    /// Print the reference of the language, or of one name of it
    Docs(Docs),
    /// Print the version
    Version(Version),
    /// Print the manual page, or write those of all verbs to a folder
    Man(Man),
    /// Print a completion script for a shell
    Completion {
        /// For which shell
        #[arg(value_enum)]
        shell: CompletionShell,
    },
}
