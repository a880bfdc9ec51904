//! Makes one signed request for each line of its input, through one client of the Rust SDK.
use std::error::Error;
use std::io::{stdin, BufRead};

use aws_config::{defaults, BehaviorVersion};
use aws_sdk_sts::error::DisplayErrorContext;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = std::env::args().collect();
    if args[1] == "--version" {
        println!("{}", aws_sdk_sts::meta::PKG_VERSION);
        return Ok(());
    }
    let http = aws_smithy_http_client::Builder::new().build_http();
    let mut loader = defaults(BehaviorVersion::latest()).http_client(http);
    if !args[1].is_empty() {
        loader = loader.profile_name(&args[1]);
    }
    let shared = loader.load().await;
    let config = aws_sdk_sts::config::Builder::from(&shared)
        .endpoint_url(&args[2])
        .build();
    let client = aws_sdk_sts::Client::from_conf(config);
    for line in stdin().lock().lines() {
        line?;
        match client.get_caller_identity().send().await {
            Ok(_) => println!("ok"),
            Err(e) => println!("error {}", DisplayErrorContext(e).to_string().split_whitespace().collect::<Vec<_>>().join(" ")),
        }
    }
    Ok(())
}
