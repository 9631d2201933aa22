package server

import (
	"context"
	"fmt"

	"github.com/wneessen/go-mail"

	"kenoma/internal/auth"
	"kenoma/internal/config"
)

// mailer sends by SMTP; nil where no mail server is set up.
func (s *Server) mailer() auth.Mailer {
	if s.Config.SMTP.Host == "" {
		return nil
	}
	return smtp{s.Config.SMTP}
}

type smtp struct{ c config.SMTP }

// Send implements auth.Mailer.
func (m smtp) Send(ctx context.Context, to, subject, text string) error {
	msg := mail.NewMsg()
	if err := msg.From(m.c.From); err != nil {
		return fmt.Errorf("sender of mail: %w", err)
	}
	if err := msg.To(to); err != nil {
		return fmt.Errorf("recipient of mail: %w", err)
	}
	msg.Subject(subject)
	msg.SetBodyString(mail.TypeTextPlain, text)
	opts := []mail.Option{mail.WithPort(m.c.Port), mail.WithTLSPolicy(mail.TLSOpportunistic)}
	if m.c.StartTLS {
		opts = append(opts, mail.WithTLSPolicy(mail.TLSMandatory))
	}
	if m.c.Port == 465 {
		opts = append(opts, mail.WithSSL())
	}
	if m.c.Username != "" {
		opts = append(opts, mail.WithSMTPAuth(mail.SMTPAuthAutoDiscover), mail.WithUsername(m.c.Username), mail.WithPassword(m.c.Password))
	}
	client, err := mail.NewClient(m.c.Host, opts...)
	if err != nil {
		return fmt.Errorf("mail server: %w", err)
	}
	if err := client.DialAndSendWithContext(ctx, msg); err != nil {
		return fmt.Errorf("sending mail: %w", err)
	}
	return nil
}
