// Command pulumi-resource-github is the Pulumi plugin for GitHub: the upstream Terraform provider
// behind Pulumi's Terraform bridge, with the type tokens of the published SDK.
package main

import (
	"fmt"

	"github.com/integrations/terraform-provider-github/v6/github"
	"github.com/pulumi/pulumi-terraform-bridge/v3/pkg/tfbridge"
	"github.com/pulumi/pulumi-terraform-bridge/v3/pkg/tfbridge/tokens"
	shimv2 "github.com/pulumi/pulumi-terraform-bridge/v3/pkg/tfshim/sdk-v2"
)

// The release of the Python SDK this plugin answers to.
const version = "6.15.0"

func main() {
	info := tfbridge.ProviderInfo{
		Name:       "github",
		Version:    version,
		Repository: "https://github.com/pulumi/pulumi-github",
		P:          shimv2.NewProvider(github.NewProvider(version, "")()),
	}
	info.MustComputeTokens(tokens.SingleModule("github_", "index", tokens.MakeStandard("github")))
	// A program in Python never asks for the schema, so it need not be more than well-formed.
	tfbridge.Main(info.Name, version, info, fmt.Appendf(nil, `{"name":"github","version":%q}`, version))
}
