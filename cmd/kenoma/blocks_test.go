package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestBlocks(t *testing.T) {
	settle(t)
	file := filepath.Join(t.TempDir(), "list.csv")
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, tt := range []struct {
		list, args, want string
	}{
		{"#domain,#severity\nbad.test,suspend\nb*d.test,silence\n", "blocks import --dry-run", "bad.test"},
		{"", "blocks list", "HOST"},
		{"", "blocks import --as mine", "suspend"},
		{"", "blocks why bad.test", "because of lists"},
		{"", "blocks lists", "mine"},
		{"", "blocks rules --needs 2", "needs      2"},
		{"", "blocks apply", "bad.test"},
		{"", "blocks rules --needs 1 --ask-above 0", "ask above  0"},
		{"", "blocks except bad.test", "Nothing has changed."},
		{"", "blocks except bad.test --undo", "bad.test"},
		{"", "blocks unsubscribe mine", "bad.test"},
		{"new.test,silence\n", "blocks import", "1 rules added, 0 changed, 0 kept"},
		{"", "blocks export", "new.test,silence,false,false,,false"},
		{"good.test\n", "blocks import --allow", "1 hosts are let in now."},
		{"", "blocks export --allow", "good.test"},
		{"", "blocks refresh", "fetched"},
	} {
		if tt.list != "" {
			write(tt.list)
		}
		args := strings.Fields(tt.args)
		if args[1] == "import" {
			args = append(args, file)
		}
		if out, err := kenoma(t, "", args...); err != nil || !strings.Contains(out, tt.want) {
			t.Errorf("%s: %v, %q, want %q", tt.args, err, out, tt.want)
		}
	}
	for _, args := range []string{"blocks unsubscribe mine", "blocks why no_domain", "blocks subscribe http://127.0.0.1:1/list.csv", "blocks subscribe https://l.test/ --every often", "blocks except *"} {
		if out, err := kenoma(t, "", strings.Fields(args)...); err == nil {
			t.Errorf("%s: %q, want it refused", args, out)
		}
	}
}

func TestInvite(t *testing.T) {
	settle(t)
	link, err := kenoma(t, "", "invite", "create", "--uses", "3", "--comment", "friends")
	code := link[strings.LastIndexByte(link, '/')+1:]
	if code = strings.TrimSpace(code); err != nil || len(code) != 16 {
		t.Fatalf("%q, %v", link, err)
	}
	for _, tt := range [][2]string{{"list", "0 of 3"}, {"revoke " + code, "Revoked."}, {"list", "revoked"}} {
		if out, err := kenoma(t, "", append([]string{"invite"}, strings.Fields(tt[0])...)...); err != nil || !strings.Contains(out, tt[1]) {
			t.Errorf("invite %s: %q, %v", tt[0], out, err)
		}
	}
	for _, args := range []string{"invite revoke nonsense", "invite create --for soon", "invite create --uses -1"} {
		if out, err := kenoma(t, "", strings.Fields(args)...); err == nil {
			t.Errorf("%s: %q, want it refused", args, out)
		}
	}
}
