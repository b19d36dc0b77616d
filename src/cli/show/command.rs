//! From the arguments to a view, and from what the pass met to messages and the exit code.

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, BufWriter, IsTerminal, Write};
use std::path::{Path, PathBuf};

use anyhow::Context as _;

use super::args::{FollowForm, FollowFrom, ShowArgs};
use super::pass::{Passed, pass};
use super::select::Select;
use super::views::{FollowView, JsonView, LinesView, StreamView, TableView, Target};
use crate::capture::read::Reader;
use crate::cli::exit::USAGE;
use crate::report::buffer::Buffer;
use crate::report::follow::Form;
use crate::report::lines::Lines;
use crate::report::table::Table;
use crate::report::{Options, escape, stream};
use crate::tcp::Side;
use crate::tcp::streams::Why;

/// Shows capture files; the exit code is 0, or 2 if one of them cannot be read to its end.
pub fn show(args: &ShowArgs) -> anyhow::Result<u8> {
    if args.more.is_empty() {
        return one(args);
    }
    let mut worst = 0;
    for (index, file) in std::iter::once(&args.file).chain(&args.more).enumerate() {
        let name = escape::line(&file.to_string_lossy());
        let blank = if index > 0 { "\n" } else { "" };
        writeln!(io::stdout(), "{blank}{name}:")?;
        let args = ShowArgs {
            file: file.clone(),
            more: vec![],
            ..args.clone()
        };
        worst = worst.max(one(&args)?);
    }
    Ok(worst)
}

/// One file.
fn one(args: &ShowArgs) -> anyhow::Result<u8> {
    let mut select = match Select::new(args.filter.as_deref(), &args.state, args.stream) {
        Ok(select) => select,
        Err(error) => return complain(&format!("--filter: {error}")),
    };
    if let Some(state) = select.unknown_state() {
        return complain(&format!(
            "--state: no connection has the state '{state}'; Zeek's are S0 S1 S2 S3 SF REJ RSTO RSTR RSTOS0 RSTRH SH SHR \
             OTH, and there are complete refused unanswered partial unseen, fin reset open half"
        ));
    }
    let opened = if args.file == Path::new("-") {
        Reader::from_read(Box::new(io::stdin()))
    } else {
        Reader::open(&args.file)
    };
    let mut reader = match opened {
        Ok(reader) => reader,
        Err(error) => return complain(&error.to_string()),
    };
    let passed = match (args.follow, args.stream) {
        (Some(form), _) => return follow(args, form, &mut reader, &mut select),
        (None, Some(number)) if !args.json && !args.packets => {
            let mut view = StreamView::default();
            let passed = pass(&mut reader, &mut select, &mut view)?;
            match view.conversation() {
                Some((summary, conversation, more)) => {
                    let out = &mut anstream::AutoStream::auto(io::stdout().lock());
                    let options = Options {
                        width: width(args).unwrap_or(100).max(80),
                        ..Options::default()
                    };
                    let start = passed.census.start();
                    stream::write(out, &summary, conversation, more, start, &options)?;
                    out.flush()?;
                }
                None => return no_stream(number, &passed, &reader, &select),
            }
            passed
        }
        _ if args.json => {
            let out = &mut io::stdout().lock();
            let mut view = JsonView {
                out,
                buffer: Buffer::default(),
            };
            let passed = pass(&mut reader, &mut select, &mut view)?;
            let error = passed.error.as_ref().map(ToString::to_string);
            let census = &passed.census;
            census.records(&mut view.buffer, &reader, error.as_deref());
            view.buffer.flush(view.out)?;
            passed
        }
        _ if args.packets => {
            let out = &mut io::stdout().lock();
            let mut view = LinesView {
                out,
                lines: Lines::default(),
            };
            let passed = pass(&mut reader, &mut select, &mut view)?;
            view.lines.finish(view.out)?;
            passed
        }
        _ => {
            let mut stdout = io::stdout().lock();
            let plain = anstream::AutoStream::choice(&stdout) == anstream::ColorChoice::Never;
            let mut styled;
            // Taking styles out of many rows costs more than not making them.
            let out: &mut dyn Write = if plain {
                &mut stdout
            } else {
                styled = anstream::AutoStream::auto(stdout);
                &mut styled
            };
            let mut view = TableView {
                out,
                table: Table::new(width(args), plain),
            };
            let passed = pass(&mut reader, &mut select, &mut view)?;
            view.table.finish(view.out)?;
            if passed.census.connections > 0 {
                writeln!(view.out)?;
            }
            let mut counts = vec![];
            passed.census.write(&mut counts)?;
            if plain {
                counts = anstream::adapter::strip_bytes(&counts).into_vec();
            }
            view.out.write_all(&counts)?;
            view.out.flush()?;
            passed
        }
    };
    Ok(messages(&passed, &reader, &select))
}

fn follow(
    args: &ShowArgs,
    form: FollowForm,
    reader: &mut Reader,
    select: &mut Select,
) -> anyhow::Result<u8> {
    let form = match form {
        FollowForm::Text => Form::Text,
        FollowForm::Hex => Form::Hex,
        FollowForm::Raw => Form::Raw,
    };
    let from = args.from.map(|from| match from {
        FollowFrom::Client => Side::Client,
        FollowFrom::Server => Side::Server,
    });
    let create = |path: PathBuf| {
        let file = File::create(&path);
        file.with_context(|| format!("cannot write {}", path.display()))
            .map(BufWriter::new)
    };
    let mut stdout = io::stdout().lock();
    let mut styled;
    let (mut raw_file, mut plain_file);
    let target = match &args.out {
        Some(path) if form == Form::Raw && from.is_none() => {
            let [client, server] = ["client", "server"].map(|end| with_suffix(path, end));
            Target::Each([create(client)?, create(server)?])
        }
        Some(path) => {
            let file = create(path.clone())?;
            // In raw bytes nothing is to be taken for a style.
            if form == Form::Raw {
                raw_file = file;
                Target::One(&mut raw_file)
            } else {
                let file: Box<dyn Write + Send> = Box::new(file);
                plain_file = anstream::StripStream::new(file);
                Target::One(&mut plain_file)
            }
        }
        None if form == Form::Raw => {
            if stdout.is_terminal() {
                return complain(
                    "--follow raw: bytes would garble the terminal; use --out FILE, or a pipe",
                );
            }
            Target::One(&mut stdout)
        }
        None => {
            styled = anstream::AutoStream::auto(stdout);
            Target::One(&mut styled)
        }
    };
    let mut view = FollowView::new(form, from, target);
    let passed = pass(reader, select, &mut view)?;
    let done = view.finish()?;
    if !done.found {
        return no_stream(args.stream.unwrap_or(0), &passed, reader, select);
    }
    if form == Form::Raw {
        for (side, offset, n, why) in &done.holes {
            let why = match why {
                Why::Unseen => "are not in the capture",
                Why::Snapped => "were cut by the snapshot length",
            };
            note(&format!(
                "{n} bytes of the {side}'s stream, at offset {offset}, {why}; they are left out"
            ));
        }
        let more = done.hole_count - done.holes.len() as u64;
        if more > 0 {
            note(&format!("and {more} more such holes"));
        }
    }
    Ok(messages(&passed, reader, select))
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(".");
    name.push(suffix);
    name.into()
}

/// Columns to keep to: as asked, or the terminal's; `None` for no limit.
fn width(args: &ShowArgs) -> Option<usize> {
    match args.width {
        Some(0) => None,
        Some(width) => Some(width),
        None => terminal_size::terminal_size_of(io::stdout()).map(|(width, _)| width.0.into()),
    }
}

/// What the reader of the output must know beside it.
fn messages(passed: &Passed, reader: &Reader, select: &Select) -> u8 {
    if let Some(truncated) = reader.truncated() {
        note(&format!(
            "{}: {truncated}; what came before is shown",
            reader.name()
        ));
    }
    if select.undecided > 0 {
        let first = select.first_undecided.as_deref().unwrap_or_default();
        note(&format!(
            "the filter could not be decided for {} frames, which are left out: {first}",
            select.undecided
        ));
    }
    if reader.comments_dropped() > 0 {
        note(&format!(
            "{} comments are not kept",
            reader.comments_dropped()
        ));
    }
    match &passed.error {
        None => 0,
        Some(error) => {
            note(&format!("{error}; what came before is shown"));
            USAGE
        }
    }
}

fn no_stream(number: u32, passed: &Passed, reader: &Reader, select: &Select) -> anyhow::Result<u8> {
    messages(passed, reader, select);
    complain(&match passed.streams {
        0 => format!(
            "no stream {number}: there is no TCP connection in {}",
            reader.name()
        ),
        n if number < n => format!("stream {number} has no segment that matches"),
        1 => format!("no stream {number}: there is only stream 0"),
        n => format!("no stream {number}: there are 0 to {}", n - 1),
    })
}

fn note(text: &str) {
    anstream::eprintln!("lab-capture: {text}");
}

fn complain(text: &str) -> anyhow::Result<u8> {
    note(text);
    Ok(USAGE)
}
