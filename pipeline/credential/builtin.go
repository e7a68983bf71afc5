package credential

// BuiltIn returns the credential types that ship: bearer, basic, api-key, login and oauth2.
func BuiltIn() []Factory {
	return []Factory{bearerFactory(), basicFactory(), apiKeyFactory(), loginFactory(), oauth2Factory()}
}
