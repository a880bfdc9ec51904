import aws.sdk.kotlin.runtime.auth.credentials.DefaultChainCredentialsProvider
import aws.sdk.kotlin.services.sts.StsClient
import aws.sdk.kotlin.services.sts.getCallerIdentity
import aws.smithy.kotlin.runtime.net.url.Url
import kotlin.system.exitProcess
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.coroutineScope
import kotlinx.coroutines.launch
import kotlinx.coroutines.runBlocking

/** Makes one signed request for each line of its input, through one client of the SDK for Kotlin. */
fun main(args: Array<String>) = runBlocking<Unit> {
    val (profile, endpoint) = args
    fun open() = StsClient {
        region = "us-east-1"
        endpointUrl = Url.parse(endpoint)
        credentialsProvider = DefaultChainCredentialsProvider(profileName = profile.ifEmpty { null })
    }
    val crowd = System.getenv("CONFORMANCE_CROWD")?.toInt()
    val client by lazy { open() }
    while (readlnOrNull() != null) {
        try {
            if (crowd == null) {
                client.getCallerIdentity()
            } else {
                coroutineScope { repeat(crowd) { launch(Dispatchers.IO) { open().getCallerIdentity() } } }
            }
            println("ok")
        } catch (e: Exception) {
            println("error " + messages(e).replace(Regex("\\s+"), " "))
        }
    }
    exitProcess(0) // the client's own threads may live on
}

/** Returns what a stack trace has of messages. */
fun messages(e: Throwable): String =
    (listOf(e.message) + listOfNotNull(e.cause).plus(e.suppressed).map(::messages)).joinToString(": ")
