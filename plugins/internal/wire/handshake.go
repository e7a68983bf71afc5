package wire

// What a host and a plugin must agree on before they speak: see go-plugin's HandshakeConfig.
const (
	// CookieKey is the environment variable that tells a program that it was started by a host.
	CookieKey = "LEAT_PLUGIN"
	// CookieValue is its value.
	CookieValue = "leat-plugin-v1"
	// ProtocolVersion is the version of the protocol that this package speaks, go-plugin's "API version".
	ProtocolVersion = 1
	// DispenseName is the name of the plugin in go-plugin's sets.
	DispenseName = "leat"
	// SocketDirEnv is the environment variable, go-plugin's, that names the folder for the plugin's socket. It is the plugin's own, and goes with it.
	SocketDirEnv = "PLUGIN_UNIX_SOCKET_DIR"
	// DevEnv is the environment variable that has a plugin that no host has started serve on the socket that it names.
	DevEnv = "LEAT_PLUGIN_DEV"
)

// HostCapabilities are what the host can do beyond the protocol's version.
func HostCapabilities() []string { return nil }
