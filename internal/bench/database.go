package main

import (
	"context"
	"crypto"
	"database/sql"
	"fmt"
	"io"
	"net/url"
	"os"
	"strings"
	"time"

	"kenoma/internal/pgtest"
)

type signer = crypto.Signer

// freshPostgres makes an empty database in the test cluster.
func freshPostgres() (string, error) {
	at, err := pgtest.Start()
	if err != nil {
		return "", err
	}
	admin, err := sql.Open("pgx", at)
	if err != nil {
		return "", err
	}
	defer admin.Close()
	name := fmt.Sprintf("bench_%d_%d", os.Getpid(), time.Now().UnixMilli())
	if _, err := admin.Exec("CREATE DATABASE " + name); err != nil {
		return "", err
	}
	u, err := url.Parse(at)
	if err != nil {
		return "", err
	}
	u.Path = "/" + name
	return u.String(), nil
}

func copyFile(from, to string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.Create(to)
	if err != nil {
		return err
	}
	if _, err := io.Copy(out, in); err != nil {
		out.Close()
		return err
	}
	return out.Close()
}

// disk returns how many bytes the database has in all, and how many of them are
// documents of posts.
func disk(ctx context.Context, s *set) (all, docs int64, err error) {
	driver, dsn, size := "pgx", s.URL, "SELECT pg_database_size(current_database())"
	if path, ok := strings.CutPrefix(s.URL, "sqlite:"); ok {
		driver, dsn, size = "sqlite", path, "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size"
	}
	db, err := sql.Open(driver, dsn)
	if err != nil {
		return 0, 0, err
	}
	defer db.Close()
	if err := db.QueryRowContext(ctx, size).Scan(&all); err != nil {
		return 0, 0, err
	}
	return all, docs, db.QueryRowContext(ctx, "SELECT CAST(SUM(LENGTH(doc)) AS BIGINT) FROM objects").Scan(&docs)
}
