// Package config holds every setting in one struct. The comments of its fields are
// the manual: docs/configuration.md and `kenoma config docs` are made from them.
package config

import (
	_ "embed"
	"net/netip"
	"time"

	"kenoma/internal/policy"
)

//go:embed config.go
var source string

// Config is what the admin decides. Environment stands over file over default.
type Config struct {
	// DataDir is the folder of everything that Kenoma keeps: the SQLite database,
	// uploads, copies of remote pictures, the socket for commands.
	DataDir string `key:"data_dir" default:"./data"`

	// URL is where people reach the server, without a trailing slash. It is part of
	// the address of every account and post, and can't be changed later.
	URL string `key:"url" default:"http://localhost:4000" kind:"url"`

	// Domain is the host in the handles, @ann@example.org, where it differs from that
	// of url; webfinger on that host must then be redirected here. Empty means the
	// host of url. It can't be changed later.
	Domain string `key:"domain" kind:"host"`

	// Listen is the address and port on which the server listens.
	Listen string `key:"listen" default:"127.0.0.1:4000" kind:"listen"`

	// AdminListen is the address and port for metrics (Prometheus, /metrics). Keep it
	// away from the public. Empty means none.
	AdminListen string `key:"admin_listen" kind:"listen"`

	// TrustedProxies are the networks of reverse proxies whose X-Forwarded-For header
	// is believed, as CIDRs. Of the addresses in the header the rightmost one that is
	// not a trusted proxy counts.
	TrustedProxies []netip.Prefix `key:"trusted_proxies" default:"127.0.0.0/8,::1/128"`

	// Database is where the data is kept: sqlite:PATH, or postgres://… for sites that
	// outgrow one machine. Empty means kenoma.db in the data folder.
	Database string `key:"database"`

	// Registrations says who may sign up: anybody (open), whom a moderator approves
	// (approval), who has an invite (invite), or nobody (closed).
	Registrations string `key:"registrations" default:"closed" enum:"open,approval,invite,closed"`

	// MinimumAge is how many years old somebody must be to sign up. The date of birth
	// is asked for, compared and not kept. 0 asks nobody.
	MinimumAge int `key:"minimum_age" default:"0" min:"0" max:"120"`

	SignUp      SignUp      `key:"sign_up"`
	Instance    Instance    `key:"instance"`
	Federation  Federation  `key:"federation"`
	RateLimit   RateLimit   `key:"rate_limit"`
	OAuth       OAuth       `key:"oauth"`
	SMTP        SMTP        `key:"smtp"`
	Media       Media       `key:"media"`
	Cards       Cards       `key:"cards"`
	Trends      Trends      `key:"trends"`
	Reactions   Reactions   `key:"reactions"`
	Translation Translation `key:"translation"`
	Limits      Limits      `key:"limits"`
	Takeout     Takeout     `key:"takeout"`
	Moderation  Moderation  `key:"moderation"`

	Policy policy.Settings `key:"policy"`

	Log Log `key:"log"`

	from map[string]string // Where each setting comes from, by key.
}

// SignUp is what somebody who signs up has to pass.
type SignUp struct {
	// Captcha shows a picture with letters that a person can read and a program hardly.
	// The picture is made here. Apps that know none are sent to the sign-up page.
	Captcha bool `key:"captcha" default:"false"`

	// CheckMX looks up who takes the mail of an address: domains that take none are
	// refused, and those whose mail goes to a provider that is kept out. It is done where
	// mail is sent (smtp.host), within three seconds; without an answer the address passes.
	CheckMX bool `key:"check_mx" default:"true"`
}

// Instance is how the server presents itself.
type Instance struct {
	// Title is the name of the server.
	Title string `key:"title" default:"Kenoma" site:"true"`

	// Description says in a sentence or two what the server is for.
	Description string `key:"description" default:"A small server of the fediverse." site:"true"`

	// ExtendedDescription says at length what the server is about, in Markdown. Empty
	// means the description.
	ExtendedDescription string `key:"extended_description" site:"true"`

	// PrivacyPolicy is shown to everybody, in Markdown. Empty means a text that says
	// what the program itself keeps.
	PrivacyPolicy string `key:"privacy_policy" site:"true"`

	// RegistrationsMessage is shown to those who can't sign up at the moment.
	RegistrationsMessage string `key:"registrations_message" site:"true"`

	// StatusURL is the address of a page that tells whether the server is up.
	StatusURL string `key:"status_url"`

	// ShowPeers lets everybody have the list of servers that are known here.
	ShowPeers bool `key:"show_peers" default:"true"`

	// ShowActivity lets everybody have the numbers of posts, sign-ins and new accounts
	// by week.
	ShowActivity bool `key:"show_activity" default:"true"`

	// Contact is the e-mail address of the admin, shown to everybody. Empty shows none.
	Contact string `key:"contact" site:"true"`

	// ContactAccount is the name of the account that people can write to.
	ContactAccount string `key:"contact_account" site:"true"`

	// Rules are what members agree to, one entry each. In the variable they are parted
	// by commas; rules that hold commas go into the file.
	Rules []string `key:"rules"`

	// FeaturedAccounts are handles of accounts, like ann or bob@example.org, that
	// everybody is told to follow.
	FeaturedAccounts []string `key:"featured_accounts"`

	// Languages are the languages mostly spoken here, as codes: en, de.
	Languages []string `key:"languages" default:"en"`
}

// Federation is how the server talks to others.
type Federation struct {
	// AllowNetworks are private networks of peers, as CIDRs, that may be talked to
	// although they are not public: for tests and intranets.
	AllowNetworks []netip.Prefix `key:"allow_networks"`

	// AllowHTTP lets peers be reached without encryption. Only for tests and intranets.
	AllowHTTP bool `key:"allow_http" default:"false"`

	// AuthorizedFetch shows posts and profiles only to servers that say who they are,
	// by a signature. It keeps blocked servers from reading, and some small software too.
	AuthorizedFetch bool `key:"authorized_fetch" default:"false"`

	// RejectHosts are hosts from which nothing is accepted and to which nothing is
	// sent; *.example.org means all hosts below it too.
	RejectHosts []string `key:"reject_hosts"`

	// Limited lets in only the hosts that an admin allowed, and sends to no others.
	Limited bool `key:"limited" default:"false"`

	// Backfill is how many of the newest public posts are fetched of an account of
	// another server that somebody here begins to follow. 0 fetches none.
	Backfill int `key:"backfill" default:"20" min:"0" max:"200"`

	// Relay says which servers may become members of this server's own relay, which
	// announces their public posts to each other: none (off), those that an admin lets
	// in (approval), or all (open).
	Relay string `key:"relay" default:"off" enum:"off,approval,open"`

	// RelayRate is how many posts a minute each relay that was subscribed to may bring,
	// and each member of this server's own. 0 takes in none.
	RelayRate int `key:"relay_rate" default:"120" min:"0" max:"6000"`

	// RelayQueue is how many posts of each relay may wait to be fetched; beyond it the
	// oldest are dropped.
	RelayQueue int `key:"relay_queue" default:"1000" min:"1" max:"100000"`

	// KeepPosts is for how many days posts from other servers are kept with which nobody
	// here has to do. Threads stay whole: one with a post, mention, favourite, boost,
	// bookmark or vote of ours stays. What was dropped can be fetched again. 0 keeps all.
	KeepPosts int `key:"keep_posts" default:"0" min:"0" max:"36500"`

	// Workers is how many deliveries run at once.
	Workers int `key:"workers" default:"64" min:"1" max:"1024"`
}

// RateLimit protects the server from too many requests.
type RateLimit struct {
	// Enabled limits requests per account and address, as Mastodon does, and what other
	// servers deliver.
	Enabled bool `key:"enabled" default:"true"`

	// InboxHost is how many activities a minute another server may deliver; as many may
	// come at once. Beyond that it is told to try again later (429 with Retry-After), which
	// servers do by themselves. A relay counts as one server. 0 sets no limit.
	InboxHost int `key:"inbox_host" default:"6000" min:"0" max:"1000000"`

	// InboxActor is the same for each account of other servers. A relay counts as one
	// account: raise it where you subscribe to a busy one.
	InboxActor int `key:"inbox_actor" default:"1500" min:"0" max:"1000000"`
}

// OAuth is how apps sign in.
type OAuth struct {
	// PasswordGrant lets apps send a name and password instead of opening the sign-in
	// page. Pleroma's clients need it; it is throttled.
	PasswordGrant bool `key:"password_grant" default:"true"`
}

// SMTP is the mail server that sends confirmations. Without a host no mail is sent
// and addresses are not confirmed.
type SMTP struct {
	// Host is the name of the mail server. Empty means no mail.
	Host string `key:"host"`

	// Port is its port: 587 with STARTTLS, 465 with TLS.
	Port int `key:"port" default:"587" min:"1" max:"65535"`

	// Username signs in there. Empty means without.
	Username string `key:"username"`

	// Password goes with it.
	Password string `key:"password" secret:"true"`

	// From is the sender's address.
	From string `key:"from"`

	// StartTLS says whether the connection must be encrypted.
	StartTLS bool `key:"starttls" default:"true"`
}

// Media is what may be uploaded and how long copies are kept.
type Media struct {
	// MaxImage is the largest picture that may be uploaded.
	MaxImage Size `key:"max_image" default:"16MB" min:"1KB"`

	// MaxVideo is the largest video or sound that may be uploaded.
	MaxVideo Size `key:"max_video" default:"99MB" min:"1KB"`

	// MaxVideoPixels is how many pixels, width times height, a video may have.
	MaxVideoPixels int `key:"max_video_pixels" default:"8294400" min:"10000" max:"100000000"`

	// MaxFrameRate is how many pictures a second a video may have.
	MaxFrameRate int `key:"max_frame_rate" default:"120" min:"1" max:"1000"`

	// MaxDuration is how long a video or sound may last. 0 is as long as max_video allows.
	MaxDuration time.Duration `key:"max_duration" default:"0s"`

	// FFmpeg is the program that makes previews of videos, videos of animated GIFs, and
	// MP4 of what browsers don't play. Empty means ffmpeg if it is installed, off none;
	// without it videos and sounds are kept as they come, without their metadata.
	FFmpeg string `key:"ffmpeg"`

	// FFmpegMemory is how much memory that program may take.
	FFmpegMemory Size `key:"ffmpeg_memory" default:"1GB" min:"128MB"`

	// FFmpegTimeout is how long it may work on a file. One file is worked on at a time.
	FFmpegTimeout time.Duration `key:"ffmpeg_timeout" default:"10m" min:"10s" max:"3h"`

	// MaxEmoji is the largest picture that may become a custom emoji.
	MaxEmoji Size `key:"max_emoji" default:"256KB" min:"1KB" max:"512KB"`

	// RemoteCache is how much of the disk copies of other servers' pictures may take.
	RemoteCache Size `key:"remote_cache" default:"1GB" min:"1MB"`

	// RemoteMaxFile is the largest file of another server that is copied, and so shown.
	RemoteMaxFile Size `key:"remote_max_file" default:"40MB" min:"1MB"`

	// RemoteTTL is how long such a copy is kept after it was last looked at.
	RemoteTTL time.Duration `key:"remote_ttl" default:"168h" min:"1h"`
}

// Translation is the service that translates posts for their readers: DeepL where its
// key is set, else LibreTranslate where its address is. Only public and unlisted posts
// are sent there.
type Translation struct {
	// LibreTranslateURL is the address of a LibreTranslate server. It may be private.
	LibreTranslateURL string `key:"libretranslate_url"`

	// LibreTranslateKey is its API key, where it wants one.
	LibreTranslateKey string `key:"libretranslate_key" secret:"true"`

	// DeepLKey is the API key of DeepL.
	DeepLKey string `key:"deepl_key" secret:"true"`

	// DeepLURL is DeepL's address. Empty means that of the key's plan.
	DeepLURL string `key:"deepl_url"`
}

// Trends are what is much talked about: tags, links and posts.
type Trends struct {
	// Enabled counts what is used and shows what trends.
	Enabled bool `key:"enabled" default:"true"`

	// RequireReview shows nothing that a moderator has not approved: the tag, the link
	// or its publisher, the post or its author.
	RequireReview bool `key:"require_review" default:"false"`

	// MinAccounts is how many people must use a tag or a link on a day, or favour and
	// boost a post, for it to trend.
	MinAccounts int `key:"min_accounts" default:"3" min:"2" max:"10000"`
}

// Reactions are emoji with which people react to posts.
type Reactions struct {
	// MaxPerPost is with how many emoji one person of this server may react to one
	// post.
	MaxPerPost int `key:"max_per_post" default:"8" min:"1" max:"40"`

	// Custom allows emoji that are pictures: the server's own, and those with which
	// people elsewhere react. Off, reactions with them are not taken; those that are
	// there stay.
	Custom bool `key:"custom" default:"true"`
}

// Cards are the previews of pages that posts link to.
type Cards struct {
	// Enabled has the server fetch the pages that posts link to, once each, to show
	// their title, text and picture below the post. Off, nothing is fetched; cards
	// that are there stay.
	Enabled bool `key:"enabled" default:"true"`
}

// Takeout is what people may take away and bring along.
type Takeout struct {
	// ArchiveEvery is how often somebody may have an archive of the own account made.
	// 0 sets no limit.
	ArchiveEvery time.Duration `key:"archive_every" default:"168h" min:"0s"`

	// Keep is how long an archive can be downloaded, and the list of what failed in an
	// import.
	Keep time.Duration `key:"keep" default:"168h" min:"1h"`

	// ImportRows is how many rows the file of an import may have.
	ImportRows int `key:"import_rows" default:"20000" min:"1" max:"100000"`

	// ImportArchives is how many archives of other servers somebody may bring along in
	// the time of keep, with posts and files. 0 lets nobody.
	ImportArchives int `key:"import_archives" default:"5" min:"0" max:"20"`

	// ImportArchiveSize is how large such an archive may be. Unpacked it may take four
	// times as much for a while.
	ImportArchiveSize Size `key:"import_archive_size" default:"1GB" min:"1MB" max:"100GB"`

	// ImportPosts is how many posts of an archive are taken over, the first in it.
	ImportPosts int `key:"import_posts" default:"50000" min:"1" max:"1000000"`
}

// Limits bound what people may write.
type Limits struct {
	// StatusCharacters is how long a post may be. A link counts 23.
	StatusCharacters int `key:"status_characters" default:"5000" min:"1" max:"100000"`

	// StatusAttachments is how many files a post may have.
	StatusAttachments int `key:"status_attachments" default:"4" min:"0" max:"32"`

	// PollOptions is how many answers a poll may offer.
	PollOptions int `key:"poll_options" default:"20" min:"2" max:"100"`

	// PollOptionCharacters is how long an answer may be.
	PollOptionCharacters int `key:"poll_option_characters" default:"200" min:"1" max:"1000"`

	// DescriptionCharacters is how long the description of a file may be.
	DescriptionCharacters int `key:"description_characters" default:"1500" min:"1" max:"10000"`

	// BioCharacters is how long the text of a profile may be.
	BioCharacters int `key:"bio_characters" default:"5000" min:"1" max:"20000"`

	// ProfileFields is how many rows the table of a profile may have.
	ProfileFields int `key:"profile_fields" default:"10" min:"0" max:"50"`

	// Pins is how many posts an account may show on top of its profile.
	Pins int `key:"pins" default:"5" min:"0" max:"50"`

	// Scheduled is how many posts an account may have waiting to be published later.
	Scheduled int `key:"scheduled_statuses" default:"300" min:"0" max:"10000"`

	// ScheduledDaily is how many of them may be for one day.
	ScheduledDaily int `key:"scheduled_statuses_daily" default:"25" min:"0" max:"1000"`
}

// Moderation is how moderators work.
type Moderation struct {
	// KeepSuspended is how long the data of a suspended account is kept, so that the
	// suspension can be lifted. After it the account is deleted, here and elsewhere.
	// 0 keeps it for good.
	KeepSuspended time.Duration `key:"keep_suspended" default:"720h"`

	// ShowBlocks says to whom the list of blocked hosts is shown: to nobody (disabled),
	// to people who are signed in (users), or to everybody (all).
	ShowBlocks string `key:"show_blocks" default:"users" enum:"disabled,users,all"`

	// ShowBlockReasons says to whom the public comments on them are shown.
	ShowBlockReasons string `key:"show_block_reasons" default:"users" enum:"disabled,users,all"`

	// MailReports has moderators get a mail about each new report and appeal.
	MailReports bool `key:"mail_reports" default:"true"`
}

// Log is what the server writes on its standard error.
type Log struct {
	// Level is the least important kind of message that is written.
	Level string `key:"level" default:"info" enum:"debug,info,warn,error"`

	// Format is text for people or json for machines.
	Format string `key:"format" default:"text" enum:"text,json"`
}
