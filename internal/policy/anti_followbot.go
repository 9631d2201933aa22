package policy

import "strings"

// AntiFollowbot refuses follows by accounts that look as if they followed everybody
// to collect posts. Whom somebody here follows may follow back.
type AntiFollowbot struct{}

// Wants implements Rule.
func (AntiFollowbot) Wants(c *Case) Want {
	if c.Local || c.Activity.Type != "Follow" {
		return 0
	}
	return WantProfile | WantTarget
}

// botNames are names that such accounts give themselves.
var botNames = []string{"followbot", "federationbot", "federation_bot", "federation-bot", "federation bot", "fedibot", "follow bot"}

// Check implements Rule. A name alone tells, being called a bot alone does not.
func (AntiFollowbot) Check(c *Case) error {
	if c.Local || c.Activity.Type != "Follow" || c.TargetFollows {
		return nil
	}
	name, shown := strings.ToLower(c.Username), strings.ToLower(c.Name)
	for _, bot := range botNames {
		if strings.Contains(name, bot) || strings.Contains(shown, bot) || c.Service && strings.Contains(name, "follow") {
			return c.Reject("Follows by bots that follow everybody are not accepted here.")
		}
	}
	return nil
}
