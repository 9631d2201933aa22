package store

import (
	"context"
	"fmt"
)

// Setting returns what the server itself has noted under a key, ErrNotFound when
// nothing.
func (q *Q) Setting(ctx context.Context, key string) (string, error) {
	var value string
	if err := q.row(ctx, "SELECT value FROM settings WHERE key = $1", key).Scan(&value); err != nil {
		return "", fmt.Errorf("setting %s: %w", key, err)
	}
	return value, nil
}

// SetSetting notes a value under a key.
func (tx *Tx) SetSetting(ctx context.Context, key, value string) error {
	_, err := tx.exec(ctx, "INSERT INTO settings (key, value) VALUES ($1, $2) ON CONFLICT (key) DO UPDATE SET value = excluded.value", key, value)
	if err != nil {
		return fmt.Errorf("setting %s: %w", key, err)
	}
	return nil
}

// SettingOnce notes a value under a key that has none, and returns the one that
// stands: of several nodes that start at once the first decides.
func (tx *Tx) SettingOnce(ctx context.Context, key, value string) (string, error) {
	if _, err := tx.exec(ctx, "INSERT INTO settings (key, value) VALUES ($1, $2) ON CONFLICT DO NOTHING", key, value); err != nil {
		return "", fmt.Errorf("setting %s: %w", key, err)
	}
	return tx.Setting(ctx, key)
}
