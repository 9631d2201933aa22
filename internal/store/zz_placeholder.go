package store

// PLACEHOLDER by the lead, not committed: DELETE THIS FILE as soon as accounts.go
// declares NewAccount and Tx.InsertAccount.

import "context"

type NewAccount struct {
	Username, Email, Password, Role, Reason, Locale, IP string
	Confirmed, Approved                                 bool
}

func (tx *Tx) InsertAccount(ctx context.Context, actor int64, privateKey string, n NewAccount) error {
	_, err := tx.exec(ctx, `INSERT INTO accounts (actor,email,email_key,password,role,private_key,created,confirmed,approved,disabled,reason,locale,sign_up_ip,last_seen,preferences,source)
	VALUES ($1,$2,$2,$3,$4,$5,0,0,0,0,'','','',0,'{}','{}')`, actor, n.Email, n.Password, n.Role, privateKey)
	return err
}
