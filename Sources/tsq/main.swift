import Foundation
import TSQCommand

exit(await TSQ.main(arguments: Array(CommandLine.arguments.dropFirst())))
