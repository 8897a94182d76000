import Foundation
import TSQCommand
import TSQIO

ProcessMemory.shareHeaps()
exit(await TSQ.main(arguments: Array(CommandLine.arguments.dropFirst())))
