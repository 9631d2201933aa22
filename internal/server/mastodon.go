package server

import (
	"kenoma/internal/config"
	"kenoma/internal/mastodon"
)

// newAPI builds the door for apps.
func (s *Server) newAPI() *mastodon.API {
	c := s.Config
	return mastodon.New(mastodon.Options{DB: s.DB, Pipeline: s.Pipeline, Hub: s.Hub, Auth: s.Auth, Push: s.push, URL: c.URL, Domain: c.Domain,
		Uploads: s.uploads, TempDir: s.incoming, Proxy: s.signer.Path, MaxUpload: max(int64(c.Media.MaxImage), int64(c.Media.MaxVideo)) + int64(c.Media.MaxImage), // With a thumbnail.

		Settings: mastodon.Settings{Title: c.Instance.Title, Description: c.Instance.Description, Contact: c.Instance.Contact, Version: s.Version,
			Rules: c.Instance.Rules, FeaturedAccounts: c.Instance.FeaturedAccounts, Languages: c.Instance.Languages, Registrations: c.Registrations,
			MinimumAge: c.MinimumAge, Captcha: c.SignUp.Captcha, Editable: editable(c), RegistrationsMessage: c.Instance.RegistrationsMessage, ExtendedDescription: c.Instance.ExtendedDescription,
			PrivacyPolicy: c.Instance.PrivacyPolicy, ContactAccount: c.Instance.ContactAccount, StatusURL: c.Instance.StatusURL,
			HidePeers: !c.Instance.ShowPeers, HideActivity: !c.Instance.ShowActivity,
			ShowBlocks: c.Moderation.ShowBlocks, ShowBlockReasons: c.Moderation.ShowBlockReasons,
			StatusCharacters: c.Limits.StatusCharacters, StatusAttachments: c.Limits.StatusAttachments, PollOptions: c.Limits.PollOptions,
			PollOptionCharacters: c.Limits.PollOptionCharacters, DescriptionCharacters: c.Limits.DescriptionCharacters, BioCharacters: c.Limits.BioCharacters,
			ProfileFields: c.Limits.ProfileFields, Scheduled: c.Limits.Scheduled, ScheduledDaily: c.Limits.ScheduledDaily, MaxImage: int64(c.Media.MaxImage), MaxVideo: int64(c.Media.MaxVideo)},
		TrustedProxies: c.TrustedProxies, NoRateLimit: !c.RateLimit.Enabled, Log: s.Log, Now: s.Now})
}

// editable are the keys of the settings that are taken from the database.
func editable(c *config.Config) []string {
	var keys []string
	for _, s := range c.Site() {
		if s.Editable() {
			keys = append(keys, s.Key)
		}
	}
	return keys
}
