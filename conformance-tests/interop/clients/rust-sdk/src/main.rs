//! What Element X does with the Rust SDK: discovery, signing in, the room list by sliding sync, a room's timeline, and
//! the backup of keys.
//!
//! Arguments: server name or homeserver URL, user id, password. Each line of the input is a JSON object:
//! {"join": room id}, {"open": room id}, {"say": text} and {"seen": true} in the room that was opened, {"backUp": true},
//! {"recover": key}.
//!
//! Each line of the output is one too: {"homeserver": URL, "server": URL where its .well-known is, "sync": kind,
//! "issuer": URL, "actions": number of account actions}, {"ready": device id}, {"rooms": [{"id", "name", "last"}]},
//! {"read": event id, "body": text, "sealed": whether it came encrypted}, {"key": of the backup}, {"failed": why}.

use std::{error::Error, sync::Arc};

use futures_util::{StreamExt, future::join_all, pin_mut};
use matrix_sdk::{
    Client,
    encryption::{BackupDownloadStrategy, EncryptionSettings},
    ruma::{
        OwnedRoomId, RoomId, api::client::receipt::create_receipt::v3::ReceiptType,
        events::room::message::RoomMessageEventContent,
    },
    sliding_sync::VersionBuilder,
};
use matrix_sdk_ui::{
    RoomListService, Timeline,
    eyeball_im::Vector,
    room_list_service::{RoomListItem, filters::new_filter_non_left},
    sync_service::{State, SyncService},
    timeline::{LatestEventValue, RoomExt, TimelineItem},
};
use serde_json::{Value, json};
use tokio::sync::mpsc;

type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

const PAGE: usize = 20;

fn tell(line: Value) {
    println!("{line}");
}

#[tokio::main]
async fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [server, user, password] = args.as_slice() else {
        panic!("server, user, password")
    };
    if let Err(error) = run(server, user, password).await {
        tell(json!({ "failed": format!("{error:?}") }));
        std::process::exit(1);
    }
}

async fn run(server: &str, user: &str, password: &str) -> Outcome<()> {
    let client = discover(server).await?;
    let auth = client.matrix_auth().login_username(user, password);
    auth.initial_device_display_name("The Rust SDK")
        .send()
        .await?;
    client
        .encryption()
        .wait_for_e2ee_initialization_tasks()
        .await;
    client.event_cache().subscribe()?;
    let sync = SyncService::builder(client.clone())
        .with_offline_mode()
        .build()
        .await?;
    sync.start().await;
    let rooms = sync.room_list_service();
    let mut state = sync.state();
    tokio::spawn(async move {
        while let Some(state) = state.next().await {
            if let State::Error(error) = state {
                tell(json!({ "failed": format!("{error:?}") }));
            }
        }
    });
    let watched = rooms.clone();
    tokio::spawn(async move {
        if let Err(error) = watch_rooms(&watched).await {
            tell(json!({ "failed": format!("{error:?}") }));
        }
    });
    tell(json!({ "ready": client.device_id() }));
    obey(&client, &rooms).await?;
    sync.stop().await;
    client.logout().await?;
    Ok(())
}

async fn discover(server: &str) -> Outcome<Client> {
    let client = Client::builder()
        .server_name_or_homeserver_url(server)
        .sliding_sync_version_builder(VersionBuilder::DiscoverNative)
        .with_encryption_settings(EncryptionSettings {
            auto_enable_cross_signing: true,
            backup_download_strategy: BackupDownloadStrategy::AfterDecryptionFailure,
            ..Default::default()
        })
        .build()
        .await?;
    let oauth = client.oauth().server_metadata().await?;
    tell(json!({
        "homeserver": client.homeserver(),
        "server": client.server(),
        "sync": format!("{:?}", client.sliding_sync_version()),
        "issuer": oauth.issuer,
        "actions": oauth.account_management_actions_supported.len(),
    }));
    Ok(client)
}

/// Tells the list of rooms whenever it changes, and subscribes to those in it, as an app does to those on its screen.
async fn watch_rooms(service: &RoomListService) -> Outcome<()> {
    let list = service.all_rooms().await?;
    let (changes, controller) = list.entries_with_dynamic_adapters(PAGE);
    controller.set_filter(Box::new(new_filter_non_left()));
    pin_mut!(changes);
    let mut rooms: Vector<RoomListItem> = Vector::new();
    let mut subscribed: Vec<OwnedRoomId> = Vec::new();
    while let Some(batch) = changes.next().await {
        for change in batch {
            change.apply(&mut rooms);
        }
        let shown: Vec<Value> = join_all(rooms.iter().map(show)).await;
        tell(json!({ "rooms": shown }));
        let mut ids: Vec<OwnedRoomId> =
            rooms.iter().map(|room| room.room_id().to_owned()).collect();
        ids.sort();
        if ids != subscribed {
            let borrowed: Vec<&RoomId> = ids.iter().map(AsRef::as_ref).collect();
            service.subscribe_to_rooms(&borrowed).await;
            subscribed = ids;
        }
    }
    Ok(())
}

async fn show(room: &RoomListItem) -> Value {
    let last = match room.latest_event().await {
        LatestEventValue::Remote { content, .. } => content
            .as_message()
            .map(|message| message.body().to_owned()),
        _ => None,
    };
    let name = room.cached_display_name().map(|name| name.to_string());
    json!({ "id": room.room_id(), "name": name, "last": last })
}

async fn obey(client: &Client, service: &RoomListService) -> Outcome<()> {
    let mut open: Option<Arc<Timeline>> = None;
    let mut lines = input();
    while let Some(line) = lines.recv().await {
        let command: Value = serde_json::from_str(&line)?;
        if let Some(room) = command["join"].as_str() {
            client.join_room_by_id(&RoomId::parse(room)?).await?;
        }
        if let Some(room) = command["open"].as_str() {
            let timeline = Arc::new(service.room(&RoomId::parse(room)?)?.timeline().await?);
            tokio::spawn(watch_timeline(timeline.clone()));
            open = Some(timeline);
        }
        if command["backUp"] == true {
            let recovery = client.encryption().recovery();
            let key = recovery.enable().wait_for_backups_to_upload().await?;
            tell(json!({ "key": key }));
        }
        if let Some(key) = command["recover"].as_str() {
            client.encryption().recovery().recover(key).await?;
        }
        if let (true, Some(timeline)) = (command["seen"] == true, &open) {
            timeline.mark_as_read(ReceiptType::Read).await?;
        }
        if let (Some(text), Some(timeline)) = (command["say"].as_str(), &open) {
            timeline
                .send(RoomMessageEventContent::text_plain(text).into())
                .await?;
        }
    }
    Ok(())
}

fn input() -> mpsc::UnboundedReceiver<String> {
    let (sender, lines) = mpsc::unbounded_channel();
    std::thread::spawn(move || {
        for line in std::io::stdin().lines().map_while(Result::ok) {
            let _ = sender.send(line);
        }
    });
    lines
}

async fn watch_timeline(timeline: Arc<Timeline>) {
    let (mut items, mut changes) = timeline.subscribe().await;
    loop {
        for item in &items {
            tell_item(item);
        }
        let Some(batch) = changes.next().await else {
            return;
        };
        for change in batch {
            change.apply(&mut items);
        }
    }
}

fn tell_item(item: &TimelineItem) {
    let Some(event) = item.as_event() else { return };
    let Some(message) = event.content().as_message() else {
        return;
    };
    if let Some(event_id) = event.event_id() {
        let sealed = event.encryption_info().is_some();
        tell(json!({ "read": event_id, "body": message.body(), "sealed": sealed }));
    }
}
