package main

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"strings"
)

type userCmd struct {
	Create      userCreateCmd      `cmd:"" help:"Create a confirmed, approved account."`
	List        userListCmd        `cmd:"" help:"List all accounts."`
	Show        userShowCmd        `cmd:"" help:"Show an account."`
	SetPassword userSetPasswordCmd `cmd:"" help:"Change a password; signs the account out everywhere."`
	SetRole     userSetRoleCmd     `cmd:"" help:"Change what an account may do."`
	ResetSecond userResetSecondCmd `cmd:"" name:"reset-second-factor" help:"Remove all second factors of somebody who has lost them."`
	Approve     userApproveCmd     `cmd:"" help:"Let an applicant in."`
	Confirm     userConfirmCmd     `cmd:"" help:"Take the e-mail address as confirmed."`
	Disable     userDisableCmd     `cmd:"" help:"Keep an account from signing in."`
	Enable      userEnableCmd      `cmd:"" help:"Let it sign in again."`
	Moderate    userModerateCmd    `cmd:"" help:"Warn, limit or suspend an account, here or elsewhere, or take that back."`
	Delete      userDeleteCmd      `cmd:"" help:"Delete an account with all of its posts, everywhere."`
}

// named is the argument that most of them have.
type named struct {
	Name string `arg:"" help:"Name of the account."`
}

type userCreateCmd struct {
	Name     string `arg:"" help:"The name: letters, numbers, underscores."`
	Email    string `required:"" help:"E-mail address."`
	Password string `help:"Password, at least 8 characters. Without the flag it is read from standard input."`
	Role     string `default:"user" help:"What the account may do: user, moderator, admin, owner, or a role of your own."`
}

func (c *userCreateCmd) Run(e *env) error {
	password, err := e.password(c.Password)
	if err != nil {
		return err
	}
	return e.do("user create", c.Name, c.Email, password, c.Role)
}

// password is the one given, or else a line of standard input: there it shows in
// no list of processes and no history.
func (e *env) password(given string) (string, error) {
	if given != "" {
		return given, nil
	}
	fmt.Fprint(os.Stderr, "Password: ")
	line, err := bufio.NewReader(e.in).ReadString('\n')
	if line = strings.TrimRight(line, "\r\n"); line == "" {
		return "", errors.Join(errors.New("no password given"), err)
	}
	return line, nil
}

type userResetSecondCmd struct{ named }

func (c *userResetSecondCmd) Run(e *env) error { return e.do("user reset-second-factor", c.Name) }

type userListCmd struct{}

func (userListCmd) Run(e *env) error { return e.do("user list") }

type userShowCmd struct{ named }

func (c *userShowCmd) Run(e *env) error { return e.do("user show", c.Name) }

type userSetPasswordCmd struct {
	named
	Password string `arg:"" optional:"" help:"The new password. Without it, it is read from standard input."`
}

func (c *userSetPasswordCmd) Run(e *env) error {
	password, err := e.password(c.Password)
	if err != nil {
		return err
	}
	return e.do("user set-password", c.Name, password)
}

type userSetRoleCmd struct {
	named
	Role string `arg:"" help:"user, moderator, admin, owner, or a role of your own."`
}

func (c *userSetRoleCmd) Run(e *env) error { return e.do("user set-role", c.Name, c.Role) }

type userApproveCmd struct{ named }

func (c *userApproveCmd) Run(e *env) error { return e.do("user approve", c.Name) }

type userConfirmCmd struct{ named }

func (c *userConfirmCmd) Run(e *env) error { return e.do("user confirm", c.Name) }

type userDisableCmd struct{ named }

func (c *userDisableCmd) Run(e *env) error { return e.do("user disable", c.Name) }

type userEnableCmd struct{ named }

func (c *userEnableCmd) Run(e *env) error { return e.do("user enable", c.Name) }

type userDeleteCmd struct{ named }

func (c *userDeleteCmd) Run(e *env) error { return e.do("user delete", c.Name) }
