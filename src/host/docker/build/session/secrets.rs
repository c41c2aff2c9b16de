//! Secrets of a build: `RUN --mount=type=secret`. They go to the engine when it asks, and nowhere else.

use crate::model::{Failure, FilePath};
use bollard_buildkit_proto::moby::buildkit::secrets::v1::{
    GetSecretRequest, GetSecretResponse, secrets_server::Secrets,
};
use std::{
    collections::BTreeMap,
    fmt, fs,
    io::{self, Read},
};
use tonic::{Request, Response, Status};

/// No secret may be longer, as docker has it.
const SECRET_BYTES_MAX: u64 = 500 * 1024;

/// Where the secrets are, by their ids.
#[derive(Clone, Default)]
pub(in super::super) struct Store(BTreeMap<String, Place>);

#[derive(Clone)]
enum Place {
    File(FilePath),
    Value(Vec<u8>),
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

impl Store {
    /// Understands `id=NAME,src=PATH`, `id=NAME,env=NAME` and `id=NAME`, as `docker build --secret` does.
    pub(in super::super) fn new(
        specs: &[String],
        dir: &FilePath,
        variable: impl Fn(&str) -> Option<String>,
    ) -> Result<Self, Failure> {
        let mut store = Self::default();
        for spec in specs {
            let (id, place) = parse(spec, dir, &variable)?;
            store.0.insert(id, place);
        }
        Ok(store)
    }

    fn get(&self, id: &str) -> Result<Vec<u8>, Status> {
        match self.0.get(id) {
            None => Err(Status::not_found(format!("secret {id} not found"))),
            Some(Place::Value(value)) => Ok(value.clone()),
            Some(Place::File(path)) => {
                read(path).map_err(|error| Status::unknown(format!("secret {id} cannot be read: {error}")))
            }
        }
    }
}

/// Reads a file, and a byte more than may be.
fn read(path: &FilePath) -> io::Result<Vec<u8>> {
    let mut value = Vec::new();
    fs::File::open(path.as_path())?.take(SECRET_BYTES_MAX + 1).read_to_end(&mut value)?;
    if value.len() as u64 > SECRET_BYTES_MAX {
        return Err(io::Error::other("it is longer than 500 KiB"));
    }
    Ok(value)
}

fn parse(spec: &str, dir: &FilePath, variable: &impl Fn(&str) -> Option<String>) -> Result<(String, Place), Failure> {
    let wrong = |why: &str| Failure {
        message: format!("`{spec}` is no secret of a build: {why}"),
        help: Some("write `id=NAME,src=PATH` or `id=NAME,env=VARIABLE`".to_owned()),
    };
    let mut fields = BTreeMap::new();
    for field in spec.split(',') {
        let (key, value) = field.split_once('=').ok_or_else(|| wrong(&format!("`{field}` has no `=`")))?;
        let key = match key.trim().to_lowercase().as_str() {
            "source" => "src".to_owned(),
            key @ ("id" | "src" | "env" | "type") => key.to_owned(),
            _ => return Err(wrong(&format!("there is no `{key}`"))),
        };
        fields.insert(key, value);
    }
    let id = fields.get("id").copied().filter(|id| !id.is_empty()).ok_or_else(|| wrong("it has no `id`"))?;
    let (mut source, mut name) = (fields.get("src").copied(), fields.get("env").copied());
    match fields.get("type").copied() {
        Some("env") if name.is_none() => name = source.take().or(Some(id)),
        None | Some("env" | "file") => {}
        Some(_) => return Err(wrong("`type` is `file` or `env`")),
    }
    if source.is_none() && name.is_none() {
        // As docker does: a variable of that name, else a file.
        (source, name) = if variable(id).is_some() { (None, Some(id)) } else { (Some(id), None) };
    }
    if let Some(name) = name {
        // One that is not set is an empty one, as docker has it.
        return Ok((id.to_owned(), Place::Value(variable(name).unwrap_or_default().into_bytes())));
    }
    let path = dir.join(source.unwrap_or(id));
    match fs::metadata(path.as_path()) {
        Ok(metadata) if metadata.is_dir() => Err(wrong(&format!("`{}` is a folder", path.as_path().display()))),
        Ok(_) => Ok((id.to_owned(), Place::File(path))),
        Err(error) => Err(Failure {
            message: format!("the secret `{id}` cannot be read from `{}`: {error}", path.as_path().display()),
            help: None,
        }),
    }
}

/// The service.
#[derive(Debug)]
pub(super) struct Service(pub(super) Store);

#[tonic::async_trait]
impl Secrets for Service {
    async fn get_secret(&self, request: Request<GetSecretRequest>) -> Result<Response<GetSecretResponse>, Status> {
        let data = self.0.get(&request.get_ref().id)?;
        Ok(Response::new(GetSecretResponse { data }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn store(spec: &str) -> Result<Store, String> {
        let variable = |name: &str| (name == "TOKEN").then(|| "t0p".to_owned());
        Store::new(&[spec.to_owned()], &FilePath::new("/etc"), variable).map_err(|failure| failure.message)
    }

    #[test]
    fn secrets_are_written_as_docker_writes_them() {
        let value = |spec: &str, id: &str| store(spec).unwrap().get(id).unwrap();
        assert_eq!(value("id=x,env=TOKEN", "x"), b"t0p");
        assert_eq!(value("type=env,id=x,src=TOKEN", "x"), b"t0p");
        assert_eq!(value("id=TOKEN", "TOKEN"), b"t0p");
        assert_eq!(value("id=x,env=UNSET", "x"), b"");
        assert!(!value("id=x,src=hosts", "x").is_empty() && !value("type=file,id=x,source=/etc/hosts", "x").is_empty());
        assert_eq!(store("id=x,env=TOKEN").unwrap().get("y").unwrap_err().code(), tonic::Code::NotFound);
    }

    #[test]
    fn what_is_no_secret_is_said_before_the_build() {
        for (spec, why) in [
            ("src=hosts", "has no `id`"),
            ("x", "has no `=`"),
            ("id=x,file=y", "no `file`"),
            ("id=x,type=tpm", "`file` or `env`"),
            ("id=x,src=/etc", "a folder"),
            ("id=x,src=missing", "`/etc/missing`: No such file"),
        ] {
            let message = store(spec).unwrap_err();
            assert!(message.contains(why), "{message}");
        }
    }

    #[test]
    fn a_store_shows_no_value() {
        assert!(!format!("{:?}", store("id=x,env=TOKEN").unwrap()).contains("t0p"));
    }
}
