package store_test

import (
	"context"
	"errors"
	"testing"

	"kenoma/internal/store"
	"kenoma/internal/store/storetest"
)

// hot are the queries that run while a reader waits. Whatever they send must find
// its rows by an index.
var hot = map[string]func(ctx context.Context, q *store.Q) error{
	"home":  func(ctx context.Context, q *store.Q) error { return second(q.Home(ctx, 1, page)) },
	"older": func(ctx context.Context, q *store.Q) error { return second(q.OlderHome(ctx, 1, page)) },
	"full":  func(ctx context.Context, q *store.Q) error { return second(q.HomeIsFull(ctx, 1)) },
	"public": func(ctx context.Context, q *store.Q) error {
		return second(q.PublicTimeline(ctx, store.PublicQuery{}, page))
	},
	"public, first page": func(ctx context.Context, q *store.Q) error {
		return second(q.PublicTimeline(ctx, store.PublicQuery{}, store.Page{}))
	},
	"local": func(ctx context.Context, q *store.Q) error {
		return second(q.PublicTimeline(ctx, store.PublicQuery{Local: true}, page))
	},
	"local for members": func(ctx context.Context, q *store.Q) error {
		return second(q.PublicTimeline(ctx, store.PublicQuery{Local: true, LocalOnly: true}, page))
	},
	"remote": func(ctx context.Context, q *store.Q) error {
		return second(q.PublicTimeline(ctx, store.PublicQuery{Remote: true}, page))
	},
	"tag": func(ctx context.Context, q *store.Q) error {
		return second(q.TagTimeline(ctx, store.TagQuery{Tag: "cats"}, page))
	},
	"tags": func(ctx context.Context, q *store.Q) error {
		return second(q.TagTimeline(ctx, store.TagQuery{Tag: "cats", Any: []string{"dogs"}, All: []string{"dogs"}, None: []string{"dogs"}}, page))
	},
	"account": func(ctx context.Context, q *store.Q) error {
		return second(q.AccountStatuses(ctx, 1, store.AccountQuery{}, page))
	},
	"account for a follower": func(ctx context.Context, q *store.Q) error {
		return second(q.AccountStatuses(ctx, 1, store.AccountQuery{Viewer: &store.Actor{ID: 2}, Follows: true, ExcludeReplies: true, ExcludeBoosts: true}, page))
	},
	"account's media": func(ctx context.Context, q *store.Q) error {
		return second(q.AccountStatuses(ctx, 1, store.AccountQuery{Media: true}, page))
	},
	"account's tag": func(ctx context.Context, q *store.Q) error {
		return second(q.AccountStatuses(ctx, 1, store.AccountQuery{Tag: "cats"}, page))
	},
	"conversation": func(ctx context.Context, q *store.Q) error {
		return missing(q.Conversation(ctx, &store.Status{ID: 1, Conversation: 1}, 100))
	},
	"conversation elsewhere": func(ctx context.Context, q *store.Q) error {
		return errors.Join(second(q.ContextURIs(ctx, 1, 0, 40)), second(q.CountContext(ctx, 1)))
	},
	"accounts elsewhere": func(ctx context.Context, q *store.Q) error { return second(q.Elsewhere(ctx, []int64{1, 2})) },
	"relays": func(ctx context.Context, q *store.Q) error {
		return errors.Join(second(q.HasRelayMembers(ctx)), missing(q.RelayByActor(ctx, "https://a.test/relay")), missing(q.RelayByHost(ctx, "a.test")))
	},
	"readable": func(ctx context.Context, q *store.Q) error { return second(q.Readable(ctx, 1, []int64{1, 2, 3})) },
	"visible": func(ctx context.Context, q *store.Q) error {
		return second(q.Visible(ctx, &store.Status{ID: 1, Actor: 2, Visibility: 2}, &store.Actor{ID: 1}))
	},
	"tokens of an account": func(ctx context.Context, q *store.Q) error { return second(q.TokensOf(ctx, 1, "access", 200)) },
	"apps by id":           func(ctx context.Context, q *store.Q) error { return second(q.AppsByID(ctx, []int64{1, 2})) },
	"second factors":       func(ctx context.Context, q *store.Q) error { return second(q.SecondFactors(ctx, 1)) },
	"needs a second factor": func(ctx context.Context, q *store.Q) error {
		return second(q.HasSecondFactor(ctx, 1))
	},
	"passkey":            func(ctx context.Context, q *store.Q) error { return missing(q.PasskeyByKey(ctx, "x")) },
	"archives":           func(ctx context.Context, q *store.Q) error { return second(q.Archives(ctx, 1)) },
	"own posts":          func(ctx context.Context, q *store.Q) error { return second(q.OwnPosts(ctx, 1, 5, 100)) },
	"addresses":          func(ctx context.Context, q *store.Q) error { return second(q.ObjectURIs(ctx, []int64{1, 2})) },
	"imports":            func(ctx context.Context, q *store.Q) error { return second(q.Imports(ctx, 1)) },
	"targets of imports": func(ctx context.Context, q *store.Q) error { return second(q.KeptTargets(ctx, 1, 0, []int64{1, 2})) },
	"failed rows":        func(ctx context.Context, q *store.Q) error { return second(q.ImportFailures(ctx, 1, 0, 200)) },
	"favoured":           func(ctx context.Context, q *store.Q) error { return second(q.FavouredBy(ctx, 1, page)) },
	"boosted":            func(ctx context.Context, q *store.Q) error { return second(q.BoostedBy(ctx, 1, page)) },
	"marks": func(ctx context.Context, q *store.Q) error {
		return second(q.Marks(ctx, 1, []int64{1, 2}, []int64{1, 2}))
	},
	"reactions": func(ctx context.Context, q *store.Q) error {
		return second(q.Reactions(ctx, 1, []int64{1, 2}))
	},
	"reactions of notifications": func(ctx context.Context, q *store.Q) error {
		return second(q.ReactionsTold(ctx, []store.Notification{{Actor: 1, Status: 2, ID: 3}, {Actor: 2, Status: 2, ID: 4}}))
	},
	"reacted":          func(ctx context.Context, q *store.Q) error { return second(q.ReactedBy(ctx, 1, "👌", page)) },
	"own reactions":    func(ctx context.Context, q *store.Q) error { return second(q.ReactionsBy(ctx, 1, 2)) },
	"scrobbles":        func(ctx context.Context, q *store.Q) error { return second(q.Scrobbles(ctx, 1, page)) },
	"reaction by name": func(ctx context.Context, q *store.Q) error { return missing(q.ReactionNamed(ctx, 1, "👌")) },
	"trends": func(ctx context.Context, q *store.Q) error {
		return second(q.Trends(ctx, store.TrendTag, false, 10, 0))
	},
	"history": func(ctx context.Context, q *store.Q) error {
		return second(q.History(ctx, store.TrendTag, []int64{1, 2}, 20000))
	},
	"most used": func(ctx context.Context, q *store.Q) error { return second(q.MostUsed(ctx, store.TrendTag, 20000, 3)) },
	"trending":  func(ctx context.Context, q *store.Q) error { return second(q.TrendingPosts(ctx, []int64{1, 2})) },
	"cards":     func(ctx context.Context, q *store.Q) error { return second(q.Cards(ctx, []int64{1, 2})) },
	"reviews": func(ctx context.Context, q *store.Q) error {
		return second(q.Reviews(ctx, store.TrendTag, []string{"a", "b"}))
	},
	"translation": func(ctx context.Context, q *store.Q) error { return missing(q.Translation(ctx, 1, "de", 2, 3)) },
	"announcement reactions": func(ctx context.Context, q *store.Q) error {
		return second(q.AnnouncementReactions(ctx, 1, []int64{1, 2}))
	},
	"card":             func(ctx context.Context, q *store.Q) error { return missing(q.Card(ctx, 1)) },
	"link":             func(ctx context.Context, q *store.Q) error { return second(q.StatusesWithLink(ctx, 1, page)) },
	"newest with link": func(ctx context.Context, q *store.Q) error { return second(q.NewestWithLink(ctx, 1, 20)) },
	"statuses":         func(ctx context.Context, q *store.Q) error { return second(q.Statuses(ctx, []int64{1, 2})) },
	"contents":         func(ctx context.Context, q *store.Q) error { return second(q.Contents(ctx, []int64{1, 2})) },
	"actors":           func(ctx context.Context, q *store.Q) error { return second(q.Actors(ctx, []int64{1, 2})) },
	"profiles":         func(ctx context.Context, q *store.Q) error { return second(q.Profiles(ctx, []int64{1, 2})) },
	"numbers":          func(ctx context.Context, q *store.Q) error { return second(q.ActorCounts(ctx, []int64{1, 2})) },
	"accounts":         func(ctx context.Context, q *store.Q) error { return second(q.AccountsOf(ctx, []int64{1, 2})) },
	"polls":            func(ctx context.Context, q *store.Q) error { return second(q.Polls(ctx, []int64{1, 2})) },
	"votes":            func(ctx context.Context, q *store.Q) error { return second(q.Votes(ctx, 1, []int64{1, 2})) },
	"pins":             func(ctx context.Context, q *store.Q) error { return second(q.Pins(ctx, 1)) },
	"direct":           func(ctx context.Context, q *store.Q) error { return second(q.DirectTimeline(ctx, 1, page)) },
	"avoided":          func(ctx context.Context, q *store.Q) error { return second(q.Avoided(ctx, 1)) },
	"notes": func(ctx context.Context, q *store.Q) error {
		return second(q.Notifications(ctx, 1, store.NotificationQuery{}, page))
	},
	"some of notifications": func(ctx context.Context, q *store.Q) error {
		return second(q.Notifications(ctx, 1, store.NotificationQuery{Exclude: []int16{1, 2}, Actor: 2}, page))
	},
	"conversations": func(ctx context.Context, q *store.Q) error { return second(q.Conversations(ctx, 1, page)) },
	"relations":     func(ctx context.Context, q *store.Q) error { return second(q.Relations(ctx, 1, []int64{1, 2}, 5)) },
	"followers":     func(ctx context.Context, q *store.Q) error { return second(q.Followers(ctx, 1, page)) },
	"following":     func(ctx context.Context, q *store.Q) error { return second(q.Following(ctx, 1, page)) },
	"requests":      func(ctx context.Context, q *store.Q) error { return second(q.FollowRequests(ctx, 1, page)) },
	"blocks":        func(ctx context.Context, q *store.Q) error { return second(q.BlockedBy(ctx, 1, page)) },
	"mutes":         func(ctx context.Context, q *store.Q) error { return second(q.MutedBy(ctx, 1, 5, page)) },
	"domains":       func(ctx context.Context, q *store.Q) error { return second(q.DomainBlocks(ctx, 1, page)) },
	"favourites":    func(ctx context.Context, q *store.Q) error { return second(q.Favourites(ctx, 1, page)) },
	"bookmarks":     func(ctx context.Context, q *store.Q) error { return second(q.Bookmarks(ctx, 1, page)) },
	"familiar": func(ctx context.Context, q *store.Q) error {
		return second(q.FamiliarFollowers(ctx, 1, []int64{2, 3}, 5))
	},
	"about a status": func(ctx context.Context, q *store.Q) error {
		return second(q.Notifications(ctx, 1, store.NotificationQuery{Kinds: []int16{6}, Status: 7, IncludeFiltered: true}, page))
	},
	"push":        func(ctx context.Context, q *store.Q) error { return missing(q.SubscriptionOf(ctx, 1)) },
	"waiting":     func(ctx context.Context, q *store.Q) error { return second(q.NotificationRequests(ctx, 1, page)) },
	"one waiting": func(ctx context.Context, q *store.Q) error { return missing(q.NotificationRequest(ctx, 1, 2)) },
	"pending": func(ctx context.Context, q *store.Q) error {
		_, _, err := q.PendingNotifications(ctx, 1)
		return err
	},
	"settled":    func(ctx context.Context, q *store.Q) error { return second(q.RequestsSettled(ctx, 1)) },
	"policy":     func(ctx context.Context, q *store.Q) error { return second(q.NotificationPolicy(ctx, 1)) },
	"markers":    func(ctx context.Context, q *store.Q) error { return second(q.Markers(ctx, 1)) },
	"lists":      func(ctx context.Context, q *store.Q) error { return second(q.Lists(ctx, 1)) },
	"lists with": func(ctx context.Context, q *store.Q) error { return second(q.ListsWith(ctx, 1, 2)) },
	"members":    func(ctx context.Context, q *store.Q) error { return second(q.ListMembers(ctx, 1, page)) },
	"search accounts": func(ctx context.Context, q *store.Q) error {
		return second(q.SearchAccounts(ctx, store.AccountSearch{Text: "an smith", Viewer: 1, Limit: 20}))
	},
	"search beginnings": func(ctx context.Context, q *store.Q) error {
		return second(q.SearchAccounts(ctx, store.AccountSearch{Text: "an", Viewer: 1, Limit: 20}))
	},
	"followed tags": func(ctx context.Context, q *store.Q) error { return second(q.FollowedTags(ctx, 1, page)) },
	"follows tags":  func(ctx context.Context, q *store.Q) error { return second(q.FollowsTags(ctx, 1, []int64{1, 2})) },
	"peers":         func(ctx context.Context, q *store.Q) error { return second(q.Peers(ctx)) },
	"search handles": func(ctx context.Context, q *store.Q) error {
		return second(q.SearchAccounts(ctx, store.AccountSearch{Text: "an", Domain: "b", Limit: 20}))
	},
	"search words": func(ctx context.Context, q *store.Q) error {
		return second(q.WithWords(ctx, store.WordQuery{Words: []string{"a", "b"}, Not: []string{"c"}, Page: page}))
	},
	"findable":    func(ctx context.Context, q *store.Q) error { return second(q.Findable(ctx, 1, []int64{1, 2})) },
	"touched":     func(ctx context.Context, q *store.Q) error { return second(q.Touched(ctx, 1, 100)) },
	"search tags": func(ctx context.Context, q *store.Q) error { return second(q.SearchTags(ctx, "ca", 20, 0)) },
	"handle":      func(ctx context.Context, q *store.Q) error { return missing(q.ActorByHandle(ctx, "ann", "")) },
	"object":      func(ctx context.Context, q *store.Q) error { return missing(q.ObjectByURI(ctx, "https://a.test/1")) },
	"token":       func(ctx context.Context, q *store.Q) error { return missing(q.Token(ctx, "access", "x")) },
	"quotes":      func(ctx context.Context, q *store.Q) error { return second(q.Quotes(ctx, []int64{1, 2})) },
	"quotes of":   func(ctx context.Context, q *store.Q) error { return second(q.QuotesOf(ctx, 1, page)) },
	"stamps":      func(ctx context.Context, q *store.Q) error { return second(q.Stamps(ctx, 1)) },
	"quoters":     func(ctx context.Context, q *store.Q) error { return second(q.LocalQuoters(ctx, 1, 5, 100)) },
	"boosters":    func(ctx context.Context, q *store.Q) error { return second(q.LocalBoosters(ctx, 1, 5, 100)) },
	"bells":       func(ctx context.Context, q *store.Q) error { return second(q.Bells(ctx, 1, 5, 100)) },
	"voters":      func(ctx context.Context, q *store.Q) error { return second(q.LocalVoters(ctx, 1, 5, 100)) },
	"stamped":     func(ctx context.Context, q *store.Q) error { return second(q.StampedBy(ctx, 1)) },
	"among": func(ctx context.Context, q *store.Q) error {
		_, _, err := q.FollowedAmong(ctx, 1, []int64{1, 2})
		return err
	},
	"staff": func(ctx context.Context, q *store.Q) error { return second(q.StaffWith(ctx, store.ManageReports)) },
	"audit": func(ctx context.Context, q *store.Q) error { return second(q.AuditLog(ctx, store.AuditQuery{}, page)) },
	"audit of one": func(ctx context.Context, q *store.Q) error {
		return second(q.AuditLog(ctx, store.AuditQuery{Actor: 1, Kind: "account", Target: 2}, page))
	},
	"accounts for moderators": func(ctx context.Context, q *store.Q) error {
		return second(q.AdminAccounts(ctx, store.AdminQuery{}, page))
	},
	"our pending accounts": func(ctx context.Context, q *store.Q) error {
		return second(q.AdminAccounts(ctx, store.AdminQuery{Status: "pending"}, page))
	},
	"suspended accounts": func(ctx context.Context, q *store.Q) error {
		return second(q.AdminAccounts(ctx, store.AdminQuery{Status: "suspended", Remote: true, Domain: "b.test"}, page))
	},
	"accounts by name and address": func(ctx context.Context, q *store.Q) error {
		return second(q.AdminAccounts(ctx, store.AdminQuery{Username: "an", DisplayName: "ann", Email: "ann@", IP: "192.0.2.1", Roles: []string{"1"}}, page))
	},
	"addresses seen": func(ctx context.Context, q *store.Q) error { return second(q.SeenIPs(ctx, []int64{1, 2})) },
	"warnings":       func(ctx context.Context, q *store.Q) error { return second(q.WarningsOf(ctx, 1, page)) },
	"appeals":        func(ctx context.Context, q *store.Q) error { return second(q.OpenAppeals(ctx, page)) },
	"open reports":   func(ctx context.Context, q *store.Q) error { return second(q.Reports(ctx, store.ReportQuery{}, page)) },
	"resolved reports": func(ctx context.Context, q *store.Q) error {
		return second(q.Reports(ctx, store.ReportQuery{Resolved: true, Target: 1}, page))
	},
	"severed":           func(ctx context.Context, q *store.Q) error { return second(q.Severances(ctx, 1, []int64{1, 2})) },
	"blocked hosts":     func(ctx context.Context, q *store.Q) error { return second(q.HostBlocks(ctx, page)) },
	"all blocked hosts": func(ctx context.Context, q *store.Q) error { return second(q.AllHostBlocks(ctx)) },
	"blocked providers": func(ctx context.Context, q *store.Q) error {
		return second(q.NamesIn(ctx, store.EmailDomainBlocks, []string{"a.test", "test"}))
	},
	"blocked networks": func(ctx context.Context, q *store.Q) error { return second(q.IPBlocks(ctx, page)) },
	"numbers of days":  func(ctx context.Context, q *store.Q) error { return second(q.Daily(ctx, "statuses", "", 5, 9)) },
	"new accounts":     func(ctx context.Context, q *store.Q) error { return second(q.NewAccounts(ctx, 5, 9)) },
	"reports by day":   func(ctx context.Context, q *store.Q) error { return second(q.ReportsByDay(ctx, 5, 9, false)) },
	"resolved by day":  func(ctx context.Context, q *store.Q) error { return second(q.ReportsByDay(ctx, 5, 9, true)) },
	"use of a tag":     func(ctx context.Context, q *store.Q) error { return second(q.TagUses(ctx, 1, 5, 9)) },
	"servers of a tag": func(ctx context.Context, q *store.Q) error { return second(q.TagServers(ctx, 1, 5, 9, 10)) },
	"busy servers":     func(ctx context.Context, q *store.Q) error { return second(q.BusyServers(ctx, 5, 9, 10)) },
	"numbers of a host": func(ctx context.Context, q *store.Q) error {
		_, err := q.HostNumbers(ctx, "b.test")
		for _, what := range []string{"accounts", "follows", "followers", "reports", "media"} {
			if err == nil {
				_, err = q.HostByDay(ctx, what, "b.test", 5, 9)
			}
		}
		return err
	},
	"cohort": func(ctx context.Context, q *store.Q) error {
		_, _, err := q.Cohort(ctx, store.ActiveDay, 5, 9, 20)
		return err
	},
	"languages of accounts": func(ctx context.Context, q *store.Q) error { return second(q.AccountLanguages(ctx, 5, 10)) },
	"accounts of a host":    func(ctx context.Context, q *store.Q) error { return second(q.ActorsOfDomain(ctx, "b.test", 5, 10)) },
	"scheduled":             func(ctx context.Context, q *store.Q) error { return second(q.ScheduledOf(ctx, 1, page)) },
	"scheduled count": func(ctx context.Context, q *store.Q) error {
		_, _, err := q.CountScheduled(ctx, 1, 0, 5, 6)
		return err
	},
	"uploads": func(ctx context.Context, q *store.Q) error { return second(q.Uploads(ctx, 1, []int64{1, 2})) },
}

// page is somewhere in the middle of a list.
var page = store.Page{Max: 1 << 60, Since: 5}

func second[T any](_ T, err error) error { return err }

// missing is second for look-ups of what isn't there.
func missing[T any](_ T, err error) error {
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	return err
}

func TestNoFullScans(t *testing.T) {
	var sent []storetest.Statement
	var name string
	storetest.Each(t, store.Options{Observe: func(text string, args []any) {
		sent = append(sent, storetest.Statement{From: name, Text: text, Args: args})
	}}, func(t *testing.T, db *store.DB) {
		ctx := t.Context()
		err := db.Write(ctx, func(tx *store.Tx) error {
			return tx.SetTags(ctx, 1, []string{"cats", "dogs"}, []string{"cats", "dogs"})
		})
		if err != nil {
			t.Fatal(err)
		}
		for query, run := range hot {
			name, sent = query, nil
			if err := run(ctx, db.Q); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			if len(sent) == 0 {
				t.Fatalf("%s sent nothing", name)
			}
			storetest.NoFullScans(t, db, sent)
		}
	})
}
