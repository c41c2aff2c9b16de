//! `orch version`.

use super::{
    args::{Output, Version},
    exit::Exit,
    print,
};
use serde_json::json;

pub(super) fn version(args: &Version) -> Exit {
    let version = env!("CARGO_PKG_VERSION");
    match args.form.output {
        Output::Table | Output::Name => print::to_stdout(&format!("orch {version}\n")),
        Output::Json | Output::Jsonl => print::json_line(&json!({"schema": "orch/v1", "version": version})),
        Output::Yaml => print::document(Output::Yaml, &json!({"schema": "orch/v1", "version": version})),
    }
    Exit::Ok
}
