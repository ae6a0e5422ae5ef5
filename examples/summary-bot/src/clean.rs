//! From the text as it was written to plain sentences: markup, transcript marks and control characters go.

/// The text without mentions, links, code blocks, quoted lines, markup and control characters.
///
/// Transcript marks such as `{vocalsound}` go too; `{disfmarker}` becomes an em dash, which marks a false start.
pub(crate) fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut fenced = false;
    for line in text.lines() {
        let line = line.trim();
        if line.starts_with("```") {
            // A fence that opens and closes on one line changes nothing.
            fenced ^= line.matches("```").count() % 2 == 1;
            continue;
        }
        if fenced || line.starts_with('>') {
            continue;
        }
        if !plain.is_empty() {
            plain.push('\n');
        }
        plain_line(line, &mut plain);
    }
    plain
}

fn plain_line(line: &str, plain: &mut String) {
    if is_simple(line) {
        let mut first = true;
        for word in line.split_ascii_whitespace() {
            if !std::mem::take(&mut first) {
                plain.push(' ');
            }
            plain.push_str(word);
        }
        return;
    }
    let line = unlinked(&braceless(line));
    let detached =
        [" , ", " . ", " ?", " 's "].iter().any(|mark| line.contains(mark)) || line.ends_with(" .");
    let mut words: Vec<String> = Vec::new();
    let mut hyphen = false;
    for word in line.split_whitespace() {
        if is_address(word) {
            continue;
        }
        let word = unmarked(word);
        let mark = !word.is_empty() && word.chars().all(|letter| ".,?!;:%…".contains(letter));
        match words.last_mut() {
            _ if word.is_empty() || (detached && word == "\"") => {}
            Some(last) if detached && (mark || is_clitic(&word)) => last.push_str(&word),
            Some(last) if detached && word == "-" && last.ends_with(char::is_alphanumeric) => hyphen = true,
            Some(last) if hyphen => {
                last.push('-');
                last.push_str(&word);
                hyphen = false;
            }
            _ => words.push(word),
        }
    }
    let line = words.join(" ");
    // A quotation mark without its partner was cut off from it.
    let paired = line.matches('"').count().is_multiple_of(2);
    plain.push_str(&if paired { line } else { line.replace('"', "") });
}

/// Whether nothing in the line needs a closer look: most lines of most chats.
fn is_simple(line: &str) -> bool {
    let mut before = 0;
    line.bytes().all(|byte| {
        let marks = before == b' ' && matches!(byte, b'.' | b',' | b'?' | b'!' | b'\'' | b'-');
        let address = byte == b'/' && before == b'/' || byte == b'w' && before == b'w';
        before = byte;
        let markup =
            matches!(byte, b'*' | b'~' | b'`' | b'|' | b'#' | b'_' | b'{' | b'<' | b'[' | b'"' | b'@');
        (b' '..=b'~').contains(&byte) && !markup && !marks && !address
    })
}

/// `'re`, `'ve`, `n't`: the end of the word before, in transcripts that write them apart.
fn is_clitic(word: &str) -> bool {
    matches!(word.to_lowercase().as_str(), "'s" | "'re" | "'ve" | "'ll" | "'d" | "'m" | "n't" | "'t")
}

/// Takes `{…}` marks out; a false start becomes a dash of its own.
fn braceless(line: &str) -> String {
    if !line.contains('{') {
        return line.to_owned();
    }
    let mut kept = String::with_capacity(line.len());
    let mut rest = line;
    while let Some(open) = rest.find('{') {
        kept.push_str(&rest[..open]);
        let Some(length) = rest[open..].find('}') else {
            kept.push_str(&rest[open..]);
            return kept;
        };
        let mark = &rest[open + 1..open + length];
        let is_mark = !mark.is_empty() && mark.chars().all(|letter| letter.is_ascii_lowercase());
        match mark {
            "disfmarker" | "gap" => kept.push_str(" — "),
            _ if is_mark => kept.push(' '),
            _ => kept.push_str(&rest[open..=open + length]),
        }
        rest = &rest[open + length + 1..];
    }
    kept.push_str(rest);
    kept
}

/// Takes Discord's `<@1>`, `<#1>`, `<:name:1>`, `<t:1>` out, and `[text](address)` down to its text.
fn unlinked(line: &str) -> String {
    let mut kept = String::with_capacity(line.len());
    let mut rest = line;
    while let Some(at) = rest.find(['<', '[']) {
        kept.push_str(&rest[..at]);
        rest = &rest[at..];
        let (text, length) = discord_mark(rest).or_else(|| link(rest)).unwrap_or((&rest[..1], 1));
        kept.push_str(text);
        rest = &rest[length..];
    }
    kept.push_str(rest);
    kept
}

fn discord_mark(rest: &str) -> Option<(&str, usize)> {
    let inner = rest.strip_prefix('<')?;
    let end = inner.bytes().take(80).position(|byte| byte == b'>')?;
    let marked = ["@", "#", ":", "a:", "t:", "/"].iter().any(|mark| inner.starts_with(mark));
    let digits = inner[..end].bytes().any(|byte| byte.is_ascii_digit());
    (marked && digits && !inner[..end].contains(' ')).then_some((" ", end + 2))
}

fn link(rest: &str) -> Option<(&str, usize)> {
    // Bounded, or a line of brackets would be searched through once for each of them.
    let window = &rest[..rest.floor_char_boundary(rest.len().min(1000))];
    let (text, after) = window.strip_prefix('[')?.split_once("](")?;
    let end = after.find(')').filter(|_| !text.contains('['))?;
    Some((text, 1 + text.len() + 2 + end + 1))
}

/// Web addresses and bare mentions carry no words.
fn is_address(word: &str) -> bool {
    let bare = word.trim_start_matches(['(', '<', '"', '\'']);
    bare.contains("://") || bare.starts_with("www.") || matches!(bare, "@everyone" | "@here")
}

/// A word without markup and control characters; `T_V_` becomes `TV`.
fn unmarked(word: &str) -> String {
    let bare = word.trim_start_matches(['*', '~', '`', '|', '#']).trim_end_matches(['*', '~', '`', '|']);
    let bare = if bare.starts_with('_') && bare.ends_with('_') { bare.trim_matches('_') } else { bare };
    let mut kept: String = bare.chars().filter(|letter| !is_hidden(*letter)).collect();
    let letters: Vec<char> = kept.chars().collect();
    let spelled = letters.len() >= 2
        && letters[0].is_uppercase()
        && letters[1] == '_'
        && !letters.windows(2).any(|pair| pair[0] != '_' && pair[1] != '_' && pair[1].is_uppercase());
    if spelled {
        kept.retain(|letter| letter != '_');
    }
    kept
}

/// Control characters, and the invisible ones that turn text around.
pub(crate) fn is_hidden(letter: char) -> bool {
    letter.is_control()
        || matches!(letter, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

/// A name as summaries show it: no account suffix, no trailing brackets, no control characters.
pub(crate) fn shown_name(name: &str) -> String {
    let name: String = name.chars().map(|letter| if is_hidden(letter) { ' ' } else { letter }).collect();
    let name = name.split_whitespace().collect::<Vec<_>>().join(" ");
    let bare = match name.find(" (") {
        Some(at) if at > 0 && name.ends_with(')') => &name[..at],
        _ => &name,
    };
    let bare = match bare.rsplit_once('#') {
        Some((front, digits)) if digits.len() == 4 && digits.bytes().all(|byte| byte.is_ascii_digit()) => {
            front
        }
        _ => bare,
    };
    let bare = bare.strip_prefix("Right ").filter(|rest| rest.starts_with("Hon. ")).unwrap_or(bare);
    let bare = bare.strip_prefix("Hon. ").unwrap_or(bare);
    bare.trim().chars().take(60).collect()
}
