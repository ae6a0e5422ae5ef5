//! Layers in one order, merged and checked as a whole.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use crate::candidates::Candidates;
use crate::files::Places;
use crate::keys::Keys;
use crate::node::{Node, Reader};
use crate::value::{Data, Value};
use crate::{
    Environment, Explanation, Field, FromConfig, Loaded, Origin, Problem, Problems, Shape, Surroundings,
    directory, overrides, unknown, variables,
};

/// Where Kubernetes mounts the configuration of the deployments that we know.
const MOUNT: &str = "/app/config";

/// Reads all layers of a service's configuration.
///
/// The layers, each over the ones before: defaults, `config.toml` or `config.yaml`, `config.<environment>.*`,
/// a directory with one file per key, environment variables, `--set`.
///
/// ```
/// use groundcrew_config::{FromConfig, Loader};
///
/// #[derive(FromConfig)]
/// struct Config {
///     /// How many workers run.
///     #[config(default = 4, alias = "MAX_WORKERS")]
///     workers: usize,
/// }
///
/// let loaded = Loader::new("summary-bot")
///     .variables([("MAX_WORKERS", "8")])
///     .load(&Config::shape())?;
/// let config: Config = loaded.read()?;
/// assert_eq!(config.workers, 8);
/// # Ok::<(), groundcrew_config::Problems>(())
/// ```
pub struct Loader {
    service: String,
    variables: Vec<(OsString, OsString)>,
    settings: Vec<String>,
    named: Option<PathBuf>,
    root: PathBuf,
    mount: PathBuf,
    container: Option<bool>,
}

/// What is wrong so far, while the layers are read.
#[derive(Default)]
struct Findings {
    problems: Vec<Problem>,
    warnings: Vec<Problem>,
    /// A file could not be read, so that missing keys say nothing.
    unread: bool,
}

// === impl Loader ===

impl Loader {
    /// A loader for a service; its variables begin with its name: `summary-bot` → `SUMMARY_BOT__`.
    pub fn new(service: impl Into<String>) -> Self {
        Self {
            service: service.into(),
            variables: Vec::new(),
            settings: Vec::new(),
            named: None,
            root: PathBuf::new(),
            mount: PathBuf::from(MOUNT),
            container: None,
        }
    }

    /// The environment variables, usually [`std::env::vars_os`]. Nothing is read from the process itself.
    pub fn variables<N, V>(mut self, variables: impl IntoIterator<Item = (N, V)>) -> Self
    where
        N: Into<OsString>,
        V: Into<OsString>,
    {
        self.variables.extend(variables.into_iter().map(|(name, value)| (name.into(), value.into())));
        self
    }

    /// `--config`: a file, or a directory with `config.*` and one file per key. It replaces the usual places.
    pub fn config_path(mut self, path: impl Into<PathBuf>) -> Self {
        self.named = Some(path.into());
        self
    }

    /// `--set key=value`; of two for the same key the later one wins.
    pub fn set(mut self, setting: impl Into<String>) -> Self {
        self.settings.push(setting.into());
        self
    }

    /// The folder in which `config.*` is looked for; by default the working directory.
    pub fn root(mut self, folder: impl Into<PathBuf>) -> Self {
        self.root = folder.into();
        self
    }

    /// The mounted directory that is read when it exists; by default `/app/config`.
    pub fn mount(mut self, folder: impl Into<PathBuf>) -> Self {
        self.mount = folder.into();
        self
    }

    /// Whether the service runs in a container; by default found out from the variables and the machine.
    pub fn container(mut self, container: bool) -> Self {
        self.container = Some(container);
        self
    }

    /// Reads, merges and checks everything.
    ///
    /// # Errors
    ///
    /// All problems at once, each with its key, its origin and what would be right.
    pub fn load(self, shape: &Shape) -> Result<Loaded, Problems> {
        let (loaded, problems) = self.assemble(shape);
        problems.map_or(Ok(loaded), Err)
    }

    /// Every value with its origin, also when the configuration is wrong: that is when one asks.
    pub fn explain(self, shape: &Shape) -> (Explanation, Option<Problems>) {
        let (loaded, problems) = self.assemble(shape);
        (loaded.explain(), problems)
    }

    fn assemble(self, shape: &Shape) -> (Loaded, Option<Problems>) {
        let shape = Shape::merge(&[reserved(), shape.clone()]);
        let keys = Keys::of(&shape, Some(prefix(&self.service)));
        let mut findings = Findings::default();
        let places = self.places(&mut findings);

        let directories = places.directories.iter().map(|path| directory::collect(&keys, path));
        let mut upper: Vec<Candidates<'_>> = directories.collect();
        upper.push(variables::collect(&keys, &self.variables));
        upper.push(overrides::collect(&keys, &self.settings));
        upper.iter_mut().rev().for_each(|layer| findings.take(layer));
        let environment = resolve_environment(&upper);
        let mut tree = defaults();
        for file in places.base().into_iter().chain(places.of_environment(environment)) {
            tree.overlay(findings.file(file, &shape, &keys));
        }
        for layer in upper {
            let (layer, conflicts) = layer.into_layer(&tree);
            findings.problems.extend(conflicts);
            tree.overlay(layer);
        }

        let surroundings = Surroundings { environment, container: self.in_container() };
        findings.check(&shape, &keys, &tree, surroundings);
        let wrong = !findings.problems.is_empty();
        let problems = wrong.then(|| Problems::new(findings.problems, findings.warnings.clone()));
        (Loaded::new(tree, keys, surroundings, findings.warnings), problems)
    }

    fn places(&self, findings: &mut Findings) -> Places {
        let usual = || Places::usual(&self.root, &self.mount);
        let Some(path) = &self.named else { return usual() };
        Places::named(path).unwrap_or_else(|problem| {
            findings.problems.push(problem);
            findings.unread = true;
            usual()
        })
    }

    fn in_container(&self) -> bool {
        let hints = ["KUBERNETES_SERVICE_HOST", "container"];
        self.container.unwrap_or_else(|| {
            self.variables.iter().any(|(name, _)| hints.iter().any(|hint| name == hint))
                || ["/.dockerenv", "/run/.containerenv"].iter().any(|path| Path::new(path).exists())
        })
    }
}

// === impl Findings ===

impl Findings {
    /// What was noticed while a layer was collected.
    fn take(&mut self, layer: &mut Candidates<'_>) {
        self.problems.append(&mut layer.problems);
        self.warnings.append(&mut layer.warnings);
    }

    fn file(&mut self, file: Result<Value, Vec<Problem>>, shape: &Shape, keys: &Keys) -> Value {
        match file {
            Ok(value) => {
                self.problems.extend(unknown::check(&value, shape, keys));
                if matches!(value.data, Data::Table(_)) { value } else { Value::table(Origin::Default) }
            }
            Err(problems) => {
                self.problems.extend(problems);
                self.unread = true;
                Value::table(Origin::Default)
            }
        }
    }

    /// Reads every section once, only to hear what is wrong.
    fn check(&mut self, shape: &Shape, keys: &Keys, tree: &Value, surroundings: Surroundings) {
        let reader = Reader::new(keys, surroundings);
        let root = Node::root(&reader, Some(tree));
        shape.checks.iter().for_each(|check| check(&root));
        Environment::from_config(&root.child("environment", tree.child("environment")));
        let problems = reader.into_problems();
        self.problems.extend(problems.into_iter().filter(|problem| problem.origin.is_some() || !self.unread));
    }
}

/// The key that the loader itself needs.
pub(crate) fn reserved() -> Shape {
    let environment = Field::new("environment", Environment::shape())
        .doc("Where the service runs: decides which files are read and what must be chosen explicitly.")
        .alias("ENVIRONMENT")
        .alias("NODE_ENV")
        .default(Some(Environment::default().name().into()));
    Shape::section_of("", vec![environment])
}

fn defaults() -> Value {
    let mut tree = Value::table(Origin::Default);
    tree.insert(&["environment".into()], Value::untyped(Environment::default().name(), Origin::Default));
    tree
}

/// The environment by the layers above the files; a wrong name counts as development here and is reported later.
fn resolve_environment(layers: &[Candidates<'_>]) -> Environment {
    let Some(value) = layers.iter().rev().find_map(|layer| layer.value("environment")) else {
        return Environment::default();
    };
    let keys = Keys::of(&reserved(), None);
    let reader = Reader::new(&keys, Surroundings::default());
    Environment::from_config(&Node::root(&reader, Some(&value))).unwrap_or_default()
}

/// `summary-bot` → `SUMMARY_BOT__`.
pub(crate) fn prefix(service: &str) -> String {
    format!("{}__", service.to_uppercase().replace(|c: char| !c.is_alphanumeric(), "_"))
}
