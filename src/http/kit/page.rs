//! A page of the console or the account: blocks, one below the other, in the frame that all of them share.

use askama::Template;

use crate::http::kit::cell;
use crate::http::kit::cell::{Button, Cell, Tone};
use crate::http::kit::chart::{Chart, Step};
use crate::http::kit::day;
use crate::http::kit::form::{Form, Kind};
use crate::http::kit::nav::Group;
use crate::http::kit::table::{Sorted, Table};
use crate::http::kit::texts::Texts;
use crate::http::pages::Frame;

/// What a page shows.
#[derive(Debug, Default)]
pub struct Page {
    /// Which entry of the navigation it belongs to: the address of that entry.
    pub section: String,
    /// Its heading and the title of the window.
    pub title: String,
    /// The pages above it: address, text.
    pub trail: Vec<(String, String)>,
    /// One sentence below the heading.
    pub lead: String,
    /// Where it leads on: address, text. The first stands out.
    pub links: Vec<(String, String)>,
    /// What has just happened, or what is wrong.
    pub notice: Option<(Tone, String)>,
    /// The rest.
    pub blocks: Vec<Block>,
}

/// A part of a page.
#[derive(Debug)]
pub enum Block {
    /// A heading within the page.
    Heading(String),
    /// A paragraph.
    Text(String),
    /// A paragraph that stands out.
    Notice(Tone, String),
    /// Figures side by side.
    Tiles(Vec<Tile>),
    /// What is known of one thing.
    Facts(Vec<(String, Cell)>),
    /// A table.
    Table(Box<Table>),
    /// A form.
    Form(Box<Form>),
    /// A chart with its table.
    Chart(Box<Chart>),
    /// A secret, shown this once.
    Secret(Secret),
    /// Text to copy: what it is, and the text.
    Snippet(String, String),
    /// Buttons and links side by side.
    Actions(Vec<Action>),
    /// Steps with their outcome, in order: how, what, why.
    Steps(Vec<(Tone, String, String)>),
}

/// One figure.
#[derive(Debug)]
pub struct Tile {
    /// What it counts.
    pub label: String,
    /// The figure.
    pub figure: String,
    /// What puts it in proportion.
    pub note: String,
    /// Where it leads.
    pub href: Option<String>,
    /// How it is meant.
    pub tone: Tone,
}

/// A secret, shown this once.
#[derive(Debug)]
pub struct Secret {
    /// What it is.
    pub label: String,
    /// The secret.
    pub text: String,
    /// The lines of a file for it, `NAME=value`.
    pub env: String,
}

/// Something that can be done.
#[derive(Debug)]
pub enum Action {
    /// A page where it is done, or asked about.
    Go {
        /// Its address.
        href: String,
        /// What it says.
        label: String,
        /// Does it lead to something that cannot be undone?
        danger: bool,
    },
    /// At once.
    Do(Button),
}

impl Action {
    /// A page.
    pub fn go(href: impl Into<String>, label: impl Into<String>) -> Self {
        Self::Go { href: href.into(), label: label.into(), danger: false }
    }

    /// A page that leads to something that cannot be undone.
    pub fn danger(href: impl Into<String>, label: impl Into<String>) -> Self {
        Self::Go { href: href.into(), label: label.into(), danger: true }
    }
}

impl Page {
    /// A page of this section.
    pub fn new(section: impl Into<String>, title: impl Into<String>) -> Self {
        Self { section: section.into(), title: title.into(), ..Self::default() }
    }

    /// The same with a page above it.
    pub fn below(mut self, href: impl Into<String>, text: impl Into<String>) -> Self {
        self.trail.push((href.into(), text.into()));
        self
    }

    /// The same with a sentence below the heading.
    pub fn lead(mut self, text: impl Into<String>) -> Self {
        self.lead = text.into();
        self
    }

    /// The same with a way on.
    pub fn link(mut self, href: impl Into<String>, text: impl Into<String>) -> Self {
        self.links.push((href.into(), text.into()));
        self
    }

    /// The same with what has happened.
    pub fn notice(mut self, tone: Tone, text: impl Into<String>) -> Self {
        self.notice = Some((tone, text.into()));
        self
    }

    /// The same with one more block.
    pub fn block(mut self, block: Block) -> Self {
        self.blocks.push(block);
        self
    }

    /// The same with a table.
    pub fn table(self, table: Table) -> Self {
        self.block(Block::Table(Box::new(table)))
    }

    /// The same with a form.
    pub fn form(self, form: Form) -> Self {
        self.block(Block::Form(Box::new(form)))
    }

    /// The same with a chart.
    pub fn chart(self, chart: Chart) -> Self {
        self.block(Block::Chart(Box::new(chart)))
    }

    /// The same with what is known of something.
    pub fn facts(self, facts: Vec<(String, Cell)>) -> Self {
        self.block(Block::Facts(facts))
    }
}

/// The page as HTML.
#[derive(Template)]
#[template(path = "kit/page.html")]
pub(super) struct PageTemplate<'a> {
    pub frame: Frame,
    pub texts: Texts,
    pub script_version: &'a str,
    pub nav: Vec<Group>,
    pub username: Option<&'a str>,
    pub csrf: &'a str,
    pub once: &'a str,
    pub page: &'a Page,
}
