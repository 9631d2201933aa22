package store

// Notice is a mail to one of our accounts.
type Notice struct {
	Actor   int64  `json:"actor"`
	Subject string `json:"subject"`
	Text    string `json:"text"` // After the greeting.
}

// MailJob is the job that sends a mail to an account of ours, where mail is set up.
func MailJob(actor int64, subject, text string) Job {
	return Job{Kind: "notice-mail", Payload: []byte(toJSON(Notice{actor, subject, text}))}
}
