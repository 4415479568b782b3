// A device that reads and writes in encrypted rooms with mautrix-go, its keys in memory.
//
// Arguments: homeserver URL, user id, password, room id. Each line of the input is a JSON object {"say": text}; each
// line of the output is one of {"ready": device id}, {"said": event id}, {"read": event id, "body": text} and
// {"failed": why}.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"os"
	"sync"
	"time"

	"maunium.net/go/mautrix"
	"maunium.net/go/mautrix/crypto"
	"maunium.net/go/mautrix/event"
	"maunium.net/go/mautrix/id"
)

const keyWait = time.Minute

var output sync.Mutex

func tell(line map[string]any) {
	output.Lock()
	defer output.Unlock()
	text, _ := json.Marshal(line)
	os.Stdout.Write(append(text, '\n'))
}

func check(err error) {
	if err != nil {
		tell(map[string]any{"failed": err.Error()})
		os.Exit(1)
	}
}

type bot struct {
	client  *mautrix.Client
	machine *crypto.OlmMachine
	roomID  id.RoomID
}

func main() {
	ctx := context.Background()
	room := signIn(ctx, os.Args[1], os.Args[2], os.Args[3], id.RoomID(os.Args[4]))
	go func() { check(room.client.SyncWithContext(ctx)) }()
	input := bufio.NewScanner(os.Stdin)
	for input.Scan() {
		var line struct {
			Say string `json:"say"`
		}
		check(json.Unmarshal(input.Bytes(), &line))
		eventID, err := room.say(ctx, line.Say)
		check(err)
		tell(map[string]any{"said": eventID})
	}
}

func signIn(ctx context.Context, url, user, password string, roomID id.RoomID) *bot {
	client, err := mautrix.NewClient(url, "", "")
	check(err)
	_, err = client.Login(ctx, &mautrix.ReqLogin{
		Type:             mautrix.AuthTypePassword,
		Identifier:       mautrix.UserIdentifier{Type: mautrix.IdentifierTypeUser, User: user},
		Password:         password,
		StoreCredentials: true,
	})
	check(err)
	state := mautrix.NewMemoryStateStore()
	client.StateStore = state
	store := crypto.NewMemoryStore(nil)
	machine := crypto.NewOlmMachine(client, nil, store, state.(crypto.StateStore))
	check(machine.Load(ctx))
	check(machine.ShareKeys(ctx, -1))
	room := &bot{client: client, machine: machine, roomID: roomID}
	syncer := client.Syncer.(*mautrix.DefaultSyncer)
	syncer.OnSync(machine.ProcessSyncResponse)
	syncer.OnEvent(client.StateStoreSyncHandler)
	syncer.OnEventType(event.StateMember, machine.HandleMemberEvent)
	syncer.OnEventType(event.EventEncrypted, func(ctx context.Context, sealed *event.Event) {
		go room.read(ctx, sealed)
	})
	var first sync.Once
	syncer.OnSync(func(context.Context, *mautrix.RespSync, string) bool {
		first.Do(func() { tell(map[string]any{"ready": client.DeviceID}) })
		return true
	})
	return room
}

// read waits for the key of an event where it has not come yet.
func (room *bot) read(ctx context.Context, sealed *event.Event) {
	content := sealed.Content.AsEncrypted()
	found, err := room.machine.DecryptMegolmEvent(ctx, sealed)
	if errors.Is(err, crypto.ErrNoSessionFound) &&
		room.machine.WaitForSession(ctx, sealed.RoomID, content.SenderKey, content.SessionID, keyWait) {
		found, err = room.machine.DecryptMegolmEvent(ctx, sealed)
	}
	if err != nil {
		// What was said before this device came is not for it; whoever waits for an event says that it did not come.
		return
	}
	tell(map[string]any{"read": sealed.ID, "body": found.Content.AsMessage().Body})
}

func (room *bot) say(ctx context.Context, text string) (id.EventID, error) {
	content := event.MessageEventContent{MsgType: event.MsgText, Body: text}
	sealed, err := room.machine.EncryptMegolmEvent(ctx, room.roomID, event.EventMessage, &content)
	if crypto.IsShareError(err) {
		members, failure := room.client.JoinedMembers(ctx, room.roomID)
		if failure != nil {
			return "", failure
		}
		var users []id.UserID
		for user := range members.Joined {
			users = append(users, user)
		}
		if failure = room.machine.ShareGroupSession(ctx, room.roomID, users); failure != nil {
			return "", failure
		}
		sealed, err = room.machine.EncryptMegolmEvent(ctx, room.roomID, event.EventMessage, &content)
	}
	if err != nil {
		return "", err
	}
	sent, err := room.client.SendMessageEvent(ctx, room.roomID, event.EventEncrypted, sealed)
	if err != nil {
		return "", err
	}
	return sent.EventID, nil
}
