/// Who listens on a TCP port of this machine, as `name, pid 42`; Linux only, and only where /proc may be read.
pub(crate) fn describe(port: u16) -> Option<String> {
    let inode = listening_inode(port)?;
    let target = format!("socket:[{inode}]");
    for process in std::fs::read_dir("/proc").ok()?.flatten() {
        let pid = process.file_name().to_string_lossy().parse::<u32>().ok();
        let Some(pid) = pid else { continue };
        let Ok(descriptors) = std::fs::read_dir(process.path().join("fd")) else { continue };
        let holds = descriptors
            .flatten()
            .any(|fd| std::fs::read_link(fd.path()).is_ok_and(|link| link.as_os_str() == target.as_str()));
        if holds {
            let name = std::fs::read_to_string(process.path().join("comm")).unwrap_or_default();
            return Some(format!("{}, pid {pid}", name.trim()));
        }
    }
    None
}

fn listening_inode(port: u16) -> Option<String> {
    ["/proc/net/tcp", "/proc/net/tcp6"].iter().find_map(|table| {
        let table = std::fs::read_to_string(table).ok()?;
        table.lines().skip(1).find_map(|line| inode_if_listening(line, port))
    })
}

/// Columns: slot, local address:port in hex, remote, state (0A is LISTEN), …, inode as the tenth.
fn inode_if_listening(line: &str, port: u16) -> Option<String> {
    let columns: Vec<&str> = line.split_whitespace().collect();
    let local_port = columns.get(1)?.rsplit(':').next()?;
    let listening = *columns.get(3)? == "0A" && u16::from_str_radix(local_port, 16).ok()? == port;
    listening.then(|| columns.get(9).map(|inode| (*inode).to_owned())).flatten()
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    #[test]
    fn the_holder_of_a_port_is_named() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let holder = super::describe(port).expect("a holder");
        assert!(holder.ends_with(&format!("pid {}", std::process::id())), "{holder}");
    }
}
