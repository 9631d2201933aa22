package pipeline

import (
	"context"
	"crypto"
	"errors"
	"fmt"
	"sync"

	"kenoma/internal/remote"
	"kenoma/internal/store"
	"kenoma/internal/vocab"
)

// InstanceActor is the path of the actor that fetches in nobody's name. It can be
// read without a signature, so that servers that ask for one can check ours.
const InstanceActor = "/actor"

// instanceKeySetting is where its private key stands, as PEM.
const instanceKeySetting = "instance_key"

// keyring holds the instance's key once it was read.
type keyring struct {
	db   *store.DB
	once sync.Mutex
	key  crypto.Signer
}

// InstanceKey returns the key of the instance actor, which is made when there is
// none; nil when that fails, and what it was to sign goes out unsigned.
func (p *Pipeline) InstanceKey(ctx context.Context) *remote.Key {
	signer, err := p.instanceSigner(ctx)
	if err != nil {
		p.Log.Error("no instance key", "err", err)
		return nil
	}
	return &remote.Key{ID: vocab.IRI(p.URL + InstanceActor + "#main-key"), Private: signer}
}

func (p *Pipeline) instanceSigner(ctx context.Context) (crypto.Signer, error) {
	p.keys.once.Lock()
	defer p.keys.once.Unlock()
	if p.keys.key != nil {
		return p.keys.key, nil
	}
	text, err := p.DB.Setting(ctx, instanceKeySetting)
	if errors.Is(err, store.ErrNotFound) {
		if text, err = p.NewKey(); err != nil {
			return nil, err
		}
		err = p.DB.Write(ctx, func(tx *store.Tx) error {
			if have, err := tx.Setting(ctx, instanceKeySetting); err == nil {
				text = have // Another node was quicker.
				return nil
			}
			return tx.SetSetting(ctx, instanceKeySetting, text)
		})
	}
	if err != nil {
		return nil, fmt.Errorf("instance key: %w", err)
	}
	p.keys.key, err = remote.ParsePrivateKey(text)
	return p.keys.key, err
}

func newKeyPEM() (string, error) {
	key, err := remote.NewRSAKey()
	if err != nil {
		return "", err
	}
	return remote.EncodePrivateKey(key)
}

// InstanceDocument is the instance actor as others read it.
func (p *Pipeline) InstanceDocument(ctx context.Context) ([]byte, error) {
	signer, err := p.instanceSigner(ctx)
	if err != nil {
		return nil, err
	}
	pem, err := remote.EncodePublicKey(signer.Public())
	if err != nil {
		return nil, err
	}
	id := vocab.IRI(p.URL + InstanceActor)
	a := &vocab.Actor{ID: id, Type: "Application", PreferredUsername: p.Domain, URL: vocab.IRI(p.URL + "/about"), Inbox: vocab.IRI(p.URL + "/inbox"),
		Outbox: id + "/outbox", SharedInbox: vocab.IRI(p.URL + "/inbox"), Locked: true, Bot: true,
		Keys: []vocab.PublicKey{{ID: id + "#main-key", Owner: id, PEM: pem}}}
	return a.Encode(), nil
}
