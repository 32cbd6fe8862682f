//! `grantor dev`: a server to try things with. Loopback only; everything it makes is kept for the next start.

use std::fs::{self, OpenOptions};
use std::io::{Read as _, Write as _};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use serde::{Deserialize, Serialize};

use crate::cli::run_server::{run_until_stopped, start_log};
use crate::cli::{CliError, CliResult, output};
use crate::clock::Clock;
use crate::config::{Config, HiddenText};
use crate::crypto::secret::SecretKind;
use crate::flows::Server;
use crate::flows::demo::{self, Demo};
use crate::protocol::pkce::{CodeVerifier, S256};

/// How to start.
#[derive(Args)]
pub struct Arguments {
    /// Keep everything in this folder; `data` and `keys` where absent.
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Serve on this port.
    #[arg(long, default_value_t = 8080)]
    port: u16,
    /// Serve on this loopback address.
    #[arg(long, default_value_t = IpAddr::V4(Ipv4Addr::LOCALHOST))]
    bind: IpAddr,
}

/// What is kept between starts, readable by the owner only: the database has only digests of it.
#[derive(Serialize, Deserialize)]
struct Kept {
    demo: Demo,
    metrics_token: String,
}

/// Starts the server and prints what to do with it.
pub fn run(arguments: &Arguments, json: bool) -> CliResult {
    if !arguments.bind.is_loopback() {
        return Err(CliError::usage(format!("dev serves demo credentials over plain HTTP: not on {}", arguments.bind))
            .hint("use a loopback address, or `grantor serve` for anything else"));
    }
    let address = SocketAddr::new(arguments.bind, arguments.port);
    let listener = TcpListener::bind(address)
        .map_err(|error| CliError::failed(format!("{address}: {error}")).hint("choose another port with --port"))?;
    let folder = arguments.data.clone().unwrap_or_else(|| PathBuf::from("data"));
    let kept_file = folder.join("dev.json");
    let known = read_kept(&kept_file)?;
    let metrics_token = match &known {
        Some(known) => known.metrics_token.clone(),
        None => SecretKind::CsrfToken.generate().map_err(CliError::failed)?.to_string(),
    };
    let config = settings(arguments, address, &folder, &metrics_token);
    start_log(&config)?;
    let config_file = folder.join("grantor.toml");
    let toml = config_text(&config, &metrics_token);
    let server = Server::open(config, Clock::System, &output::progress)?;
    write_private(&config_file, toml.as_bytes())?;
    let demo = match known {
        Some(known) if known.demo.issuer == server.config.server.issuer => known.demo,
        known => {
            let demo = make_or_move(&server, known)?;
            let kept = Kept { demo, metrics_token: metrics_token.clone() };
            write_private(&kept_file, serde_json::to_string_pretty(&kept).map_err(CliError::failed)?.as_bytes())?;
            kept.demo
        }
    };
    run_until_stopped(server, listener, move || {
        wait_until_it_answers(address)?;
        if json {
            output::print(&serde_json::to_string(&demo).map_err(CliError::failed)?)
        } else {
            output::print(&guide(&demo, &metrics_token, &config_file)?)
        }
    })
}

/// Makes the demo of a new folder, or takes a kept one along to another address.
fn make_or_move(server: &Server, known: Option<Kept>) -> Result<Demo, CliError> {
    match known {
        Some(Kept { mut demo, .. }) => {
            demo::readdress(server, &mut demo)?;
            Ok(demo)
        }
        None => {
            output::progress("making the demo users and clients");
            Ok(demo::create(server)?)
        }
    }
}

fn settings(arguments: &Arguments, address: SocketAddr, folder: &Path, metrics_token: &str) -> Config {
    let mut config = Config::default();
    config.server.bind = address;
    config.server.issuer = format!("http://{address}");
    config.database.url = format!("sqlite:{}", folder.join("grantor.db").display());
    if arguments.data.is_some() {
        config.root_key.file = folder.join("root.key");
    }
    config.metrics.token = Some(HiddenText(metrics_token.to_owned()));
    config.log.filter = "warn".to_owned();
    // Nobody but this machine can register an address here, and the apps that are tried out are on it too.
    config.outbound.danger_allow_private_targets = true;
    config
}

/// The same settings as a file, so that the other commands work on the same data.
fn config_text(config: &Config, metrics_token: &str) -> String {
    format!(
        "# Written by `grantor dev` at every start.\n[server]\nissuer = {:?}\nbind = {:?}\n\n[database]\nurl = {:?}\n\n\
         [root_key]\nfile = {:?}\n\n[metrics]\ntoken = {metrics_token:?}\n\n\
         [outbound]\ndanger_allow_private_targets = true\n",
        config.server.issuer,
        config.server.bind.to_string(),
        config.database.url,
        config.root_key.file.display().to_string(),
    )
}

fn read_kept(file: &Path) -> Result<Option<Kept>, CliError> {
    match fs::read_to_string(file) {
        Ok(text) => serde_json::from_str(&text).map(Some).map_err(|error| {
            CliError::failed(format!("{}: {error}", file.display()))
                .hint("remove this file to get new demo credentials")
        }),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(CliError::failed(format!("{}: {error}", file.display()))),
    }
}

fn write_private(file: &Path, content: &[u8]) -> CliResult {
    let mut opened = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(file)?;
    opened.write_all(content)?;
    Ok(opened.sync_all()?)
}

/// The listener takes connections before the workers run: only an answer proves that there is someone.
fn wait_until_it_answers(address: SocketAddr) -> CliResult {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(Duration::from_secs(10)))?;
    stream.write_all(b"GET /health/live HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    if answer.starts_with("HTTP/1.1 200") { Ok(()) } else { Err(CliError::failed("the server does not answer")) }
}

/// What a newcomer reads: credentials, and one line to paste for each grant.
fn guide(demo: &Demo, metrics_token: &str, config_file: &Path) -> Result<String, CliError> {
    let issuer = &demo.issuer;
    let (user, admin) = (&demo.user, &demo.admin);
    let (web, app) = (&demo.confidential_client, &demo.public_client);
    let secret = web.client_secret.as_deref().unwrap_or_default();
    let basic = format!("-u '{}:{secret}'", web.client_id);
    let login = |user: &demo::DemoUser| format!("-d username={} -d password={}", user.username, user.password);
    let admin_token = format!(
        "curl -s {basic} -d grant_type=password {} -d scope=admin {issuer}/oauth/token | sed 's/.*\"access_token\":\"\\([^\"]*\\)\".*/\\1/'",
        login(admin)
    );
    let password = format!("curl -s {basic} -d grant_type=password {} {issuer}/oauth/token", login(user));
    Ok(format!(
        "grantor is running at {issuer}\n\n\
         user                 {} / {}\n\
         admin                {} / {}\n\
         confidential client  {} / {secret}\n\
         public client        {}\n\
         redirect URI         {}\n\
         scope                {}\n\n\
         console   {issuer}/console (sign in as {})\n\
         account   {issuer}/account\n\
         metadata  {issuer}/.well-known/oauth-authorization-server\n\
         JWKS      {issuer}/.well-known/jwks.json\n\
         API       {issuer}/v1/openapi.json\n\n\
         Paste any of these:\n\n\
         # password\n{password}\n\n\
         # client_credentials\ncurl -s {basic} -d grant_type=client_credentials -d 'scope={}' {issuer}/oauth/token\n\n\
         # authorization_code with PKCE: signs in as a browser would, then exchanges the code\n{}\n\n\
         # refresh_token\ncurl -s {basic} -d grant_type=refresh_token -d refresh_token=\"$({password} | sed 's/.*\"refresh_token\":\"\\([^\"]*\\)\".*/\\1/')\" {issuer}/oauth/token\n\n\
         # the admin API\ncurl -s -H \"Authorization: Bearer $({admin_token})\" {issuer}/v1/clients\n\n\
         # an access key with a limit, then the verdict on it as an API server asks for it\nK=$(curl -s -H \"Authorization: Bearer $({admin_token})\" -H 'Content-Type: application/json' -d '{{\"name\":\"demo\",\"scopes\":[\"orders:read\"],\"requests_per_minute\":5}}' {issuer}/v1/access-keys | sed 's/.*\"secret\":\"\\([^\"]*\\)\".*/\\1/'); curl -s {basic} -H 'Content-Type: application/json' -d \"{{\\\"credential\\\":\\\"$K\\\",\\\"scopes\\\":[\\\"orders:read\\\"]}}\" {issuer}/v1/verify\n\n\
         # metrics\ncurl -s -H 'Authorization: Bearer {metrics_token}' {issuer}/metrics\n\n\
         The other commands work on the same data: grantor --config {} client list",
        user.username,
        user.password,
        admin.username,
        admin.password,
        web.client_id,
        app.client_id,
        web.redirect_uri,
        web.scope,
        admin.username,
        web.scope,
        code_line(demo, &basic)?,
        config_file.display(),
    ))
}

/// Authorization code with PKCE as one line of shell: log in at the form, follow to the code, exchange it.
fn code_line(demo: &Demo, basic: &str) -> Result<String, CliError> {
    let (issuer, user, client) = (&demo.issuer, &demo.user, &demo.confidential_client);
    let random = SecretKind::CsrfToken.generate().map_err(CliError::failed)?;
    let verifier = CodeVerifier::parse(&random).ok_or_else(|| CliError::failed("no code_verifier could be made"))?;
    let query = url::form_urlencoded::Serializer::new(String::new())
        .append_pair("response_type", "code")
        .append_pair("client_id", &client.client_id)
        .append_pair("redirect_uri", &client.redirect_uri)
        .append_pair("scope", &client.scope)
        .append_pair("state", "demo")
        .append_pair("code_challenge", verifier.challenge().as_str())
        .append_pair("code_challenge_method", S256)
        .finish();
    Ok(format!(
        "Q='{query}'; J=$(mktemp); \
         F=$(curl -s -c \"$J\" \"{issuer}/login?$Q\" | sed -n 's/.*name=\"csrf\" value=\"\\([^\"]*\\)\".*/\\1/p'); \
         curl -s -o /dev/null -b \"$J\" -c \"$J\" -d \"csrf=$F\" -d username={} -d password={} \"{issuer}/login?$Q\"; \
         C=$(curl -s -o /dev/null -w '%{{redirect_url}}' -b \"$J\" \"{issuer}/oauth/authorize?$Q\" | sed 's/.*[?&]code=\\([^&]*\\).*/\\1/'); \
         rm -f \"$J\"; curl -s {basic} -d grant_type=authorization_code -d \"code=$C\" --data-urlencode 'redirect_uri={}' -d code_verifier={} {issuer}/oauth/token",
        user.username,
        user.password,
        client.redirect_uri,
        random.as_str(),
    ))
}
