//! A SQLite copy, gzipped on its way to the store and back.

use std::io::Write;
use std::path::Path;

use flate2::Compression;
use flate2::write::{GzDecoder, GzEncoder};
use tokio::fs::File;
use tokio::io::AsyncReadExt;

use crate::StoreError;
use crate::progress::Progress;
use crate::store::{Partial, Upload};

/// Small: gzip makes up to a thousand times as much of it, and that is in memory at once.
const STEP: usize = 64 << 10;

/// Why an archive was not unpacked.
#[derive(Debug)]
pub(crate) enum UnpackError {
    /// It is not gzip.
    Archive(String),
    Store(StoreError),
}

/// Compresses a file into an upload.
pub(crate) async fn pack(
    from: &Path,
    into: &mut Upload,
    level: u32,
    progress: &Progress,
) -> Result<(), StoreError> {
    let mut file = File::open(from).await.map_err(StoreError::file("read", from))?;
    let (mut encoder, mut buffer) = (GzEncoder::new(Vec::new(), Compression::new(level)), vec![0; STEP]);
    loop {
        let read = file.read(&mut buffer).await.map_err(StoreError::file("read", from))?;
        if read == 0 {
            break;
        }
        // Writing into memory does not fail.
        encoder.write_all(&buffer[..read]).map_err(StoreError::file("compress", from))?;
        into.write(&std::mem::take(encoder.get_mut())).await?;
        progress.add(read);
    }
    let rest = encoder.finish().map_err(StoreError::file("compress", from))?;
    into.write(&rest).await
}

/// Unpacks an archive into a file.
pub(crate) async fn unpack(from: &Path, into: &mut Partial, progress: &Progress) -> Result<(), UnpackError> {
    let damaged = |error: std::io::Error| UnpackError::Archive(error.to_string());
    let mut file = File::open(from).await.map_err(StoreError::file("read", from))?;
    let (mut decoder, mut buffer) = (GzDecoder::new(Vec::new()), vec![0; STEP]);
    loop {
        let read = file.read(&mut buffer).await.map_err(StoreError::file("read", from))?;
        if read == 0 {
            break;
        }
        decoder.write_all(&buffer[..read]).map_err(damaged)?;
        into.write(&std::mem::take(decoder.get_mut())).await?;
        progress.add(read);
    }
    let rest = decoder.finish().map_err(damaged)?;
    into.write(&rest).await?;
    Ok(into.sync().await?)
}

impl From<StoreError> for UnpackError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}
