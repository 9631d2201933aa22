// Package stream carries what was committed to those who are connected: live
// events over WebSocket and SSE on every node. It knows listeners, not rules.
package stream

// Event is something that was committed. It names rows by id; what a listener
// gets is rendered once per event, by the door that it listens at.
type Event struct {
	Kind         string   // update, status.update, delete, notification, filters_changed, relations_changed …
	Status       int64    // statuses.id of a boost or post; for delete the one that is gone.
	Author       int64    // actors.id of the status's author.
	Notification int64    // Set for kind notification, with the one owner in Home.
	Home         []int64  // Owners of the "user" streams concerned (accounts and lists have different ids).
	Lists        []int64  // Lists concerned.
	Direct       []int64  // Local accounts addressed by a direct post.
	Public       bool     // In the public timelines.
	Local        bool     // Made here.
	Media        bool     // Has attachments.
	Tags         []string // Folded.
}
