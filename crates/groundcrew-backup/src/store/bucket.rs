use std::sync::Arc;

use bytes::Bytes;
use futures_util::TryStreamExt;
use object_store::aws::{AmazonS3, AmazonS3Builder};
use object_store::path::Path;
use object_store::{
    ClientOptions, Error, MultipartUpload, ObjectStore, ObjectStoreExt, PutPayload, RetryConfig,
};
use tokio::task::JoinSet;

use super::Partial;
use crate::{S3Config, StoreError};

/// How many parts travel at once.
const AT_ONCE: usize = 2;
/// The smallest part that the protocol allows.
const SMALLEST_PART: u64 = 5 << 20;

/// A bucket and a prefix.
#[derive(Debug, Clone)]
pub(crate) struct Bucket {
    store: Arc<AmazonS3>,
    name: String,
    prefix: String,
    part: usize,
}

/// A multipart upload, which does not exist as an object until it is completed.
#[derive(Debug)]
pub(super) struct Writing {
    upload: Option<Box<dyn MultipartUpload>>,
    travelling: JoinSet<Result<(), Error>>,
    buffer: Vec<u8>,
    bucket: Bucket,
    object: String,
}

// === impl Bucket ===

impl Bucket {
    pub(super) fn open(config: &S3Config) -> Result<Self, StoreError> {
        let name = config.bucket.clone().ok_or_else(|| {
            StoreError::Config(
                "backup.storage is s3, but no bucket is named: set backup.s3.bucket (S3_BUCKET_NAME)".into(),
            )
        })?;
        let plain = config.endpoint.as_ref().is_some_and(|endpoint| endpoint.starts_with("http://"));
        let client = ClientOptions::new()
            .with_timeout(config.request_timeout)
            .with_connect_timeout(config.request_timeout.min(std::time::Duration::from_secs(5)))
            .with_allow_http(plain);
        // From the process's variables comes only what is AWS's own business: web identities, container credentials.
        let mut builder = AmazonS3Builder::from_env()
            .with_client_options(client)
            .with_retry(RetryConfig { retry_timeout: config.request_timeout * 3, ..RetryConfig::default() })
            .with_bucket_name(&name)
            .with_region(&config.region);
        if let Some(endpoint) = &config.endpoint {
            builder = builder.with_endpoint(endpoint).with_virtual_hosted_style_request(false);
        }
        match (&config.access_key_id, &config.secret_access_key) {
            (Some(key), Some(secret)) => {
                builder = builder.with_access_key_id(key.expose()).with_secret_access_key(secret.expose());
            }
            (None, None) => {}
            _ => {
                let words = "backup.s3 has an access key without its secret, or the other way round: set \
                             S3_ACCESS_KEY_ID and S3_SECRET_ACCESS_KEY, or neither";
                return Err(StoreError::Config(words.to_owned()));
            }
        }
        let store =
            builder.build().map_err(|error| StoreError::Config(format!("backup.s3 is wrong: {error}")))?;
        let mut prefix = config.prefix.trim_matches('/').to_owned();
        if !prefix.is_empty() {
            prefix.push('/');
        }
        let part = usize::try_from(config.part_size.bytes().max(SMALLEST_PART)).unwrap_or(usize::MAX);
        Ok(Self { store: Arc::new(store), name, prefix, part })
    }

    pub(super) fn describe(&self) -> String {
        format!("s3://{}/{}", self.name, self.prefix)
    }

    fn object(&self, file: &str) -> Path {
        Path::from(format!("{}{file}", self.prefix))
    }

    fn failed<'a>(&'a self, what: &'static str, object: &'a str) -> impl Fn(Error) -> StoreError + 'a {
        move |error| StoreError::Object {
            what,
            object: format!("{}{object}", self.prefix),
            bucket: self.name.clone(),
            cause: error.to_string(),
        }
    }

    pub(super) async fn create(&self, file: &str) -> Result<Writing, StoreError> {
        let upload =
            self.store.put_multipart(&self.object(file)).await.map_err(self.failed("write", file))?;
        Ok(Writing {
            upload: Some(upload),
            travelling: JoinSet::new(),
            buffer: Vec::new(),
            bucket: self.clone(),
            object: file.to_owned(),
        })
    }

    pub(super) async fn put(&self, file: &str, bytes: Vec<u8>) -> Result<(), StoreError> {
        let put = self.store.put(&self.object(file), bytes.into()).await;
        put.map(|_| ()).map_err(self.failed("write", file))
    }

    pub(super) async fn get(&self, file: &str, most: u64) -> Result<Option<Vec<u8>>, StoreError> {
        let Some(size) = self.size(file).await? else { return Ok(None) };
        let range = 0..size.min(most);
        let bytes =
            self.store.get_range(&self.object(file), range).await.map_err(self.failed("read", file))?;
        Ok(Some(bytes.to_vec()))
    }

    /// In ranges, so that the time for one request is enough however large the object is.
    pub(super) async fn download(&self, file: &str, into: &mut Partial) -> Result<bool, StoreError> {
        let Some(size) = self.size(file).await? else { return Ok(false) };
        let (object, mut from) = (self.object(file), 0);
        while from < size {
            let to = size.min(from + self.part as u64);
            let bytes = self.store.get_range(&object, from..to).await.map_err(self.failed("read", file))?;
            into.write(&bytes).await?;
            from = to;
        }
        Ok(true)
    }

    async fn size(&self, file: &str) -> Result<Option<u64>, StoreError> {
        match self.store.head(&self.object(file)).await {
            Ok(meta) => Ok(Some(meta.size)),
            Err(Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(self.failed("read", file)(error)),
        }
    }

    pub(super) async fn files(&self) -> Result<Vec<String>, StoreError> {
        let prefix = (!self.prefix.is_empty()).then(|| Path::from(self.prefix.as_str()));
        let objects = self.store.list(prefix.as_ref());
        let names = objects.map_ok(|meta| meta.location.filename().unwrap_or_default().to_owned());
        names.try_collect().await.map_err(self.failed("list", ""))
    }

    pub(super) async fn delete(&self, file: &str) -> Result<(), StoreError> {
        match self.store.delete(&self.object(file)).await {
            Ok(()) | Err(Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(self.failed("remove", file)(error)),
        }
    }
}

// === impl Writing ===

impl Writing {
    pub(super) async fn write(&mut self, bytes: &[u8]) -> Result<(), StoreError> {
        self.buffer.extend_from_slice(bytes);
        while self.buffer.len() >= self.bucket.part {
            let rest = self.buffer.split_off(self.bucket.part);
            let part = std::mem::replace(&mut self.buffer, rest);
            self.send(part).await?;
        }
        Ok(())
    }

    async fn send(&mut self, part: Vec<u8>) -> Result<(), StoreError> {
        self.wait(AT_ONCE - 1).await?;
        if let Some(upload) = &mut self.upload {
            self.travelling.spawn(upload.put_part(PutPayload::from_bytes(Bytes::from(part))));
        }
        Ok(())
    }

    /// Waits until no more than `most` parts travel.
    async fn wait(&mut self, most: usize) -> Result<(), StoreError> {
        while self.travelling.len() > most {
            match self.travelling.join_next().await {
                Some(Ok(sent)) => sent.map_err(self.bucket.failed("write", &self.object))?,
                Some(Err(panicked)) => {
                    return Err(StoreError::Config(format!("an upload ended: {panicked}")));
                }
                None => {}
            }
        }
        Ok(())
    }

    pub(super) async fn finish(mut self) -> Result<(), StoreError> {
        let finished = self.complete().await;
        match finished {
            Ok(()) => self.upload = None,
            Err(_) => self.cancel().await,
        }
        finished
    }

    async fn complete(&mut self) -> Result<(), StoreError> {
        let last = std::mem::take(&mut self.buffer);
        self.send(last).await?;
        self.wait(0).await?;
        let Some(upload) = &mut self.upload else { return Ok(()) };
        upload.complete().await.map(|_| ()).map_err(self.bucket.failed("write", &self.object))
    }

    pub(super) async fn abort(mut self) {
        self.cancel().await;
    }

    async fn cancel(&mut self) {
        self.travelling.shutdown().await;
        if let Some(upload) = self.upload.take() {
            discard(upload, self.object.clone()).await;
        }
    }
}

impl Drop for Writing {
    /// The parts of an upload that is neither completed nor aborted cost money and are shown nowhere.
    fn drop(&mut self) {
        if let (Some(upload), Ok(runtime)) = (self.upload.take(), tokio::runtime::Handle::try_current()) {
            runtime.spawn(discard(upload, self.object.clone()));
        }
    }
}

async fn discard(mut upload: Box<dyn MultipartUpload>, object: String) {
    if let Err(error) = upload.abort().await {
        tracing::warn!(backup.object = object, %error, "the parts of a failed upload could not be removed");
    }
}
