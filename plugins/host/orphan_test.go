package host

func beHost([]string) {}
