//! From a local file to an object.

use std::{
    fs::File,
    io::{self, Read, Seek},
    sync::Arc,
};

use object_store::{Error, ObjectStore, ObjectStoreExt, path::Path};

/// Larger files are uploaded in parts of this size.
const PART: usize = 8 << 20;

/// Uploads `file` from its beginning, in parts when it is large.
pub(super) async fn upload(
    store: Arc<dyn ObjectStore>,
    path: Path,
    file: Arc<File>,
) -> Result<(), Error> {
    let mut file = &*file;
    file.rewind().map_err(local)?;
    let mut part = next_part(file).map_err(local)?;
    if part.len() < PART {
        return store.put(&path, part.into()).await.map(drop);
    }
    let mut upload = store.put_multipart(&path).await?;
    while !part.is_empty() {
        if let Err(error) = upload.put_part(part.into()).await {
            // What cannot be taken back is an unfinished upload that nobody sees.
            let _ = upload.abort().await;
            return Err(error);
        }
        part = next_part(file).map_err(local)?;
    }
    upload.complete().await.map(drop)
}

fn next_part(file: &File) -> io::Result<Vec<u8>> {
    let mut part = Vec::new();
    file.take(PART as u64).read_to_end(&mut part)?;
    Ok(part)
}

fn local(error: io::Error) -> Error {
    Error::Generic { store: "local file", source: Box::new(error) }
}
