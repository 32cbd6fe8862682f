//! The options of `grantor user` that say what is known of a person (OpenID Connect Core §5.1).

use clap::Args;
use serde_json::{Map, Value};

use crate::cli::CliError;

/// A profile, as one JSON object, as single options, or as both, where the options count.
#[derive(Args, Default)]
pub struct ProfileArgs {
    /// The profile as JSON, with the standard claims as members. When editing, a member that is null is emptied.
    #[arg(long, value_name = "JSON")]
    profile: Option<String>,
    /// Given name.
    #[arg(long)]
    given_name: Option<String>,
    /// Family name.
    #[arg(long)]
    family_name: Option<String>,
    /// Casual name.
    #[arg(long)]
    nickname: Option<String>,
    /// The name to be called by.
    #[arg(long)]
    preferred_username: Option<String>,
    /// Address of a picture.
    #[arg(long, value_name = "URL")]
    picture: Option<String>,
    /// Address of a page.
    #[arg(long, value_name = "URL")]
    website: Option<String>,
    /// YYYY-MM-DD, 0000-MM-DD or YYYY.
    #[arg(long)]
    birthdate: Option<String>,
    /// Time zone, such as Europe/Vienna.
    #[arg(long)]
    zoneinfo: Option<String>,
    /// Language tag, such as de-AT.
    #[arg(long)]
    locale: Option<String>,
    /// In international form, such as +43 1 234567.
    #[arg(long)]
    phone_number: Option<String>,
    /// Was the address proven to be theirs?
    #[arg(long)]
    email_verified: Option<bool>,
    /// Was the phone number proven to be theirs?
    #[arg(long)]
    phone_number_verified: Option<bool>,
}

impl ProfileArgs {
    /// What was said, as the members of a profile; None where nothing was.
    pub fn read(self) -> Result<Option<Value>, CliError> {
        let mut members = match &self.profile {
            None => Map::new(),
            Some(text) => match serde_json::from_str(text) {
                Ok(Value::Object(members)) => members,
                _ => return Err(CliError::usage("--profile must be a JSON object")),
            },
        };
        let texts = [
            ("given_name", self.given_name),
            ("family_name", self.family_name),
            ("nickname", self.nickname),
            ("preferred_username", self.preferred_username),
            ("picture", self.picture),
            ("website", self.website),
            ("birthdate", self.birthdate),
            ("zoneinfo", self.zoneinfo),
            ("locale", self.locale),
            ("phone_number", self.phone_number),
        ];
        let flags = [("email_verified", self.email_verified), ("phone_number_verified", self.phone_number_verified)];
        let texts = texts.into_iter().filter_map(|(name, value)| Some((name, Value::from(value?))));
        let flags = flags.into_iter().filter_map(|(name, value)| Some((name, Value::from(value?))));
        members.extend(texts.chain(flags).map(|(name, value)| (name.to_owned(), value)));
        Ok((self.profile.is_some() || !members.is_empty()).then_some(Value::Object(members)))
    }
}
