//! A container that is to be changed: what must be known of it before.

use crate::{
    host::docker::{Connection, failure},
    model::{ContainerId, Failure, FilePath},
};
use bollard::{models::ContainerInspectResponse, query_parameters::ContainerArchiveInfoOptionsBuilder};

/// The bit of a mode, as Go counts them, that says that it is a folder's.
const GO_FOLDER: u32 = 1 << 31;

/// A running container.
#[derive(Debug)]
pub(super) struct Target {
    pub(super) id: ContainerId,
    pub(super) name: String,
    /// The id of its image.
    pub(super) image: String,
    /// As whom its processes run: `user[:group]`, by name or number; empty is root.
    pub(super) user: String,
    /// Only volumes can be written.
    read_only: bool,
    volumes: Vec<FilePath>,
    /// Folders in memory, which only its own processes see.
    in_memory: Vec<FilePath>,
}

/// What is at a path of a container.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Found {
    Nothing,
    Folder,
    /// A file, a link or something else that is no folder.
    File,
}

impl Target {
    /// Asks the engine for the container.
    pub(super) async fn look(connection: &Connection, id: &ContainerId) -> Result<Self, Failure> {
        let doing = || format!("the container `{}` cannot be changed", id.short());
        let inspected = connection.api().inspect_container(&id.0, None).await;
        let inspected = inspected.map_err(|error| connection.failure(&doing(), &error))?;
        let is_running = inspected.state.as_ref().and_then(|state| state.running).unwrap_or_default();
        let target = Self::of(id, inspected);
        if is_running {
            return Ok(target);
        }
        Err(Failure {
            message: format!("the container `{}` does not run, so it cannot be changed", target.name),
            help: None,
        })
    }

    fn of(id: &ContainerId, inspected: ContainerInspectResponse) -> Self {
        let name = inspected.name.unwrap_or_default();
        let host = inspected.host_config.unwrap_or_default();
        let mounted = |in_memory: bool| {
            let mounts = inspected.mounts.iter().flatten();
            let mounts = mounts.filter(move |mount| (mount.typ.as_deref() == Some("tmpfs")) == in_memory);
            mounts.filter_map(|mount| mount.destination.as_ref()).map(FilePath::new).collect::<Vec<_>>()
        };
        let mut in_memory = mounted(true);
        in_memory.extend(host.tmpfs.iter().flatten().map(|(path, _)| FilePath::new(path)));
        Self {
            id: id.clone(),
            name: name.trim_start_matches('/').to_owned(),
            image: inspected.image.unwrap_or_default(),
            user: inspected.config.and_then(|config| config.user).unwrap_or_default(),
            read_only: host.readonly_rootfs.unwrap_or_default(),
            volumes: mounted(false),
            in_memory,
        }
    }

    /// In which folder an archive with these files is unpacked: the root, or, where that cannot be written, the volume that
    /// holds them all.
    pub(super) fn base_of<'a>(
        &self,
        mut files: impl Iterator<Item = &'a FilePath> + Clone,
    ) -> Result<FilePath, Failure> {
        let hidden = files.clone().find(|file| self.in_memory.iter().any(|folder| file.is_within(folder)));
        if let Some(file) = hidden {
            return Err(Failure {
                message: format!(
                    "`{file}` of the container `{}` is in a tmpfs, where no file can be copied to",
                    self.name
                ),
                help: Some("sync to a folder that is not in memory".to_owned()),
            });
        }
        let root = FilePath::new("/");
        if !self.read_only {
            return Ok(root);
        }
        let volume = self.volumes.iter().find(|volume| files.all(|file| file.is_within(volume)));
        volume.cloned().ok_or_else(|| Failure {
            message: format!("the container `{}` is read-only", self.name),
            help: Some("sync to a volume, or let the container write".to_owned()),
        })
    }

    /// What is at a path.
    pub(super) async fn find(&self, connection: &Connection, path: &FilePath) -> Result<Found, bollard::errors::Error> {
        let mut above = path.clone();
        loop {
            let path_option = above.as_path().to_string_lossy();
            let options = ContainerArchiveInfoOptionsBuilder::default().path(&path_option).build();
            match connection.api().get_container_archive_info(&self.id.0, Some(options)).await {
                Ok(_) if above != *path => return Ok(Found::Nothing),
                Ok(stat) if stat.file_mode & GO_FOLDER != 0 => return Ok(Found::Folder),
                Ok(_) => return Ok(Found::File),
                Err(error) if failure::is_missing(&error) => return Ok(Found::Nothing),
                // It says so of a path below something that is no folder.
                Err(error) if failure::status(&error) == Some(500) => above = above.parent().ok_or(error)?,
                Err(error) => return Err(error),
            }
        }
    }
}
