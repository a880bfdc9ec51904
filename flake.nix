# nix run github:aws-mfa-creds/aws-mfa-creds -- setup
{
  description = "Temporary AWS credentials where MFA is required, without typing codes";
  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixos-unstable";
  outputs = { self, nixpkgs }: {
    packages = nixpkgs.lib.genAttrs [ "x86_64-linux" "aarch64-linux" "x86_64-darwin" "aarch64-darwin" ] (system:
      let pkgs = nixpkgs.legacyPackages.${system}; in {
        default = pkgs.buildGoModule rec {
          pname = "aws-mfa-creds";
          version = self.shortRev or "devel";
          src = self;
          # When go.mod changes: go mod vendor -o /tmp/vendor && nix hash path /tmp/vendor
          vendorHash = "sha256-5VKO3p2hQTX7Is3sIJGCg1T358sWDytlWX7orMc1O7k=";
          subPackages = [ "cmd/aws-mfa-creds" ];
          env.CGO_ENABLED = if pkgs.stdenv.hostPlatform.isDarwin then 1 else 0; # for the Keychain
          ldflags = [ "-s" "-w" "-X main.version=${version}" ];
          nativeBuildInputs = [ pkgs.installShellFiles ];
          postInstall = ''
            go run ./internal/cli/pages share ${version}
            installManPage share/man/*
            installShellCompletion --bash share/completions/bash/* --zsh share/completions/zsh/* --fish share/completions/fish/*
          '';
          meta = {
            homepage = "https://github.com/aws-mfa-creds/aws-mfa-creds";
            license = pkgs.lib.licenses.asl20;
            mainProgram = pname;
          };
        };
      });
  };
}
