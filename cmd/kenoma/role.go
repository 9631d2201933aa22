package main

import "strconv"

type roleCmd struct {
	List   roleListCmd   `cmd:"" help:"List all roles and what they may do."`
	Set    roleSetCmd    `cmd:"" help:"Make a role, or change the one of that name."`
	Remove roleRemoveCmd `cmd:"" help:"Remove a role; who has it becomes like everybody."`
}

type roleListCmd struct{}

func (roleListCmd) Run(e *env) error { return e.do("role list") }

type roleSetCmd struct {
	Name        string `arg:"" help:"Name of the role."`
	Permissions string `required:"" help:"What it may do, separated by commas, as role list shows it: manage_reports,manage_users."`
	Position    int    `default:"5" help:"Who stands higher may moderate who stands lower: moderators 10, admins 100."`
	Color       string `help:"Color of the badge: #rrggbb."`
	Highlighted bool   `help:"Show the role on profiles."`
}

func (c *roleSetCmd) Run(e *env) error {
	return e.do("role set", c.Name, c.Permissions, strconv.Itoa(c.Position), c.Color, strconv.FormatBool(c.Highlighted))
}

type roleRemoveCmd struct {
	Name string `arg:"" help:"Name of the role."`
}

func (c *roleRemoveCmd) Run(e *env) error { return e.do("role remove", c.Name) }
