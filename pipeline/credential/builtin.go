package credential

// BuiltIn returns the credential types that ship: bearer, command, basic, api-key, login and oauth2.
func BuiltIn() []Factory {
	return []Factory{bearerFactory(), commandFactory(), basicFactory(), apiKeyFactory(), loginFactory(), oauth2Factory()}
}
