import ArgumentParser

/// `tsq completions`: for shells.
struct CompletionsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "completions",
        abstract: "Print a completion script.",
        discussion: """
            EXAMPLES
              tsq completions bash > /etc/bash_completion.d/tsq
              tsq completions fish > ~/.config/fish/completions/tsq.fish
            """)

    enum Shell: String, ExpressibleByArgument, CaseIterable {
        case bash, zsh, fish

        var completionShell: CompletionShell {
            switch self {
            case .bash: .bash
            case .zsh: .zsh
            case .fish: .fish
            }
        }
    }

    @Argument(help: "bash, zsh or fish.")
    var shell: Shell

    func run() throws { print(TSQ.completionScript(for: shell.completionShell)) }
}
