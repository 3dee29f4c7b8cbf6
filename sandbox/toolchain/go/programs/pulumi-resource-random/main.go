// Command pulumi-resource-random is the Pulumi plugin for random values: the upstream Terraform
// provider behind Pulumi's Terraform bridge, with the type tokens of the published SDK.
package main

import (
	"context"
	"fmt"
	"io"
	"os"

	"github.com/pulumi/pulumi-terraform-bridge/v3/pkg/pf/tfbridge"
	"github.com/pulumi/pulumi-terraform-bridge/v3/pkg/pf/tfgen"
	bridge "github.com/pulumi/pulumi-terraform-bridge/v3/pkg/tfbridge"
	"github.com/pulumi/pulumi-terraform-bridge/v3/pkg/tfbridge/tokens"
	"github.com/pulumi/pulumi/sdk/v3/go/common/diag"
	"github.com/pulumi/pulumi/sdk/v3/go/common/diag/colors"
	"github.com/terraform-providers/terraform-provider-random/shim"
)

// The release of the Python SDK this plugin answers to.
const version = "4.21.4"

func main() {
	ctx := context.Background()
	info := provider()
	// Unlike the bridge for older providers, the one for the plugin framework wants the schema.
	schema, err := tfgen.GenerateSchema(ctx, tfgen.GenerateSchemaOptions{
		ProviderInfo:    info,
		DiagnosticsSink: diag.DefaultSink(io.Discard, os.Stderr, diag.FormatOptions{Color: colors.Never}),
		XInMemoryDocs:   true,
	})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	tfbridge.Main(ctx, info.Name, info, schema.ProviderMetadata)
}

func provider() bridge.ProviderInfo {
	const repository = "https://github.com/pulumi/pulumi-random"
	info := bridge.ProviderInfo{
		Name:       "random",
		Version:    version,
		Repository: repository,
		// What a release of the bridge would remember of earlier ones; there are none.
		MetadataInfo: bridge.NewProviderMetadata([]byte("{}")),
		P:            tfbridge.ShimProvider(shim.NewProvider()),
		Resources: map[string]*bridge.ResourceInfo{
			// Upstream has no ID here, and Pulumi's own plugin takes the value.
			"random_bytes": {ComputeID: bridge.DelegateIDField("base64", "random", repository)},
		},
	}
	standard := tokens.MakeStandard("random")
	info.MustComputeTokens(tokens.SingleModule("random_", "index", func(module, name string) (string, error) {
		return standard(module, "Random"+name)
	}))
	return info
}
