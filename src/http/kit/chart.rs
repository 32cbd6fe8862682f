//! Bar charts as SVG drawn here, each with its figures as a table for those who do not see it.

use chrono::{DateTime, NaiveDate, Utc};

use crate::http::kit::cell;

/// One step of the time that a chart is over.
#[derive(Debug, Clone, Copy)]
pub enum Step {
    /// An hour, by its beginning: shown in the reader's zone where scripts run, else in UTC.
    Hour(DateTime<Utc>),
    /// A day of UTC, by which usage is counted: no other zone's day can be told from it.
    Day(NaiveDate),
}

impl Step {
    /// As it is written where no script runs.
    pub fn label(&self) -> String {
        match self {
            Self::Hour(time) => time.format("%H:%M UTC").to_string(),
            Self::Day(day) => day.to_string(),
        }
    }
}

/// A bar chart over time: one bar for each step, parted where there are two series.
#[derive(Debug, Default)]
pub struct Chart {
    /// What it shows.
    pub caption: String,
    /// What its steps are: the heading of the first column.
    pub step: String,
    /// The names of the series, one or two: the lower part, then the upper.
    pub series: Vec<String>,
    /// For each step the value of each series.
    pub steps: Vec<(Step, Vec<u64>)>,
}

/// A bar as drawn.
#[derive(Debug)]
pub struct Bar {
    /// Its left edge.
    pub x: String,
    /// Its top.
    pub y: String,
    /// Its width.
    pub width: String,
    /// Its height.
    pub height: String,
    /// Which series it is of, from 0.
    pub series: usize,
    /// What it says when pointed at: the label of its step, a colon, and the value.
    pub title: String,
    /// The hour that its label says, for scripts.
    pub time: Option<String>,
}

/// The drawing is this wide and this high, in its own units.
pub const WIDTH: f64 = 720.0;
const HEIGHT: f64 = 160.0;

impl Chart {
    /// The height of the highest bar, in what is counted; at least 1.
    pub fn top(&self) -> u64 {
        self.steps.iter().map(|(_, values)| values.iter().sum()).max().unwrap_or(0).max(1)
    }

    /// The bars.
    #[allow(clippy::cast_precision_loss, reason = "pixels")]
    pub fn bars(&self) -> Vec<Bar> {
        let slot = WIDTH / (self.steps.len().max(1) as f64);
        let top = self.top() as f64;
        let mut bars = Vec::new();
        for (index, (step, values)) in self.steps.iter().enumerate() {
            let mut base = HEIGHT;
            for (series, value) in values.iter().enumerate() {
                let height = *value as f64 / top * HEIGHT;
                base -= height;
                let name = self.series.get(series).map(String::as_str).unwrap_or_default();
                bars.push(Bar {
                    x: format!("{:.1}", index as f64 * slot + slot * 0.1),
                    y: format!("{base:.1}"),
                    width: format!("{:.1}", slot * 0.8),
                    height: format!("{height:.1}"),
                    series,
                    title: format!("{}: {value} {name}", step.label()),
                    time: match step {
                        Step::Hour(time) => Some(cell::iso(time)),
                        Step::Day(_) => None,
                    },
                });
            }
        }
        bars
    }
}
