import aws.sdk.kotlin.runtime.auth.credentials.DefaultChainCredentialsProvider
import aws.sdk.kotlin.services.sts.StsClient
import aws.sdk.kotlin.services.sts.getCallerIdentity
import aws.smithy.kotlin.runtime.net.url.Url
import kotlinx.coroutines.runBlocking
import kotlin.system.exitProcess

/** Makes one signed request for each line of its input, through one client of the SDK for Kotlin. */
fun main(args: Array<String>) = runBlocking<Unit> {
    val (profile, endpoint) = args
    val client by lazy {
        StsClient {
            region = "us-east-1"
            endpointUrl = Url.parse(endpoint)
            credentialsProvider = DefaultChainCredentialsProvider(profileName = profile.ifEmpty { null })
        }
    }
    while (readlnOrNull() != null) {
        try {
            client.getCallerIdentity()
            println("ok")
        } catch (e: Exception) {
            println("error " + generateSequence<Throwable>(e) { it.cause }.joinToString(": ") { it.message ?: "" }.replace(Regex("\\s+"), " "))
        }
    }
    exitProcess(0) // the client's own threads may live on
}
