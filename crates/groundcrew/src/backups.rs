use std::process::ExitCode;

use groundcrew_backup::{BackupSections, Command};
use groundcrew_config::{FromConfig, Shape};

use crate::arguments::Arguments;
use crate::{Service, exit};

/// `backup …` and `restore …`, of the database in section `database`.
pub(crate) fn run(service: &Service, name: &str, arguments: &Arguments, shape: &Shape) -> ExitCode {
    let command = match Command::parse(name, arguments.rest.iter().cloned()) {
        Ok(command) => command,
        Err(words) => return exit::with(exit::USAGE, &format!("{words}; try {} --help", service.name)),
    };
    // A service that keeps its database under another name has the section for these commands alone.
    let shape = Shape::merge(&[shape.clone(), BackupSections::shape()]);
    match service.part(arguments, &shape) {
        Ok((loaded, sections)) => {
            groundcrew_backup::run(&command, sections, service.name, loaded.environment())
        }
        Err(problems) => exit::with(exit::CONFIG, &problems.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::service::beside::Wrong;

    #[test]
    fn what_is_wrong_with_other_sections_is_no_matter_of_backups() {
        let set = vec!["backup.folder=/nonexistent/backups".to_owned()];
        let arguments = Arguments { set, rest: vec!["list".into()], ..Arguments::default() };
        let service = Service::new("test", "1.0.0");
        let shape = Shape::merge(&[BackupSections::shape(), Wrong::shape()]);
        assert!(service.load(&arguments, &shape).is_err());
        assert_eq!(run(&service, "backup", &arguments, &shape), ExitCode::SUCCESS);
    }
}
