package main

import (
	"github.com/spf13/cobra"
)

// verbs lists the commands.
func (a *app) verbs() []*cobra.Command {
	return []*cobra.Command{
		a.sendVerb(), a.checkVerb(), a.showVerb(), a.testVerb(), a.stagesVerb(), a.initVerb(), a.versionVerb(),
		a.loginVerb(), a.logoutVerb(), a.credentialVerb(), a.pluginVerb(),
	}
}
